import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { measurements } from '../../cloud-processor/src/stores/influxdb/schema.ts'
import { allKeys } from '../../docs/generate/configuration.ts'
import { allMetrics } from '../../docs/generate/metrics.ts'
import { referencePages } from '../../docs/generate/pages.ts'
import { root, sourcesBelow } from './sources.ts'

for (const { path, text } of referencePages()) {
  test(`${path} says what the code says`, () => {
    const is = existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : ''
    expect(is === text, 'Run: npm run docs').toBe(true)
  })
}

test('every configuration key has a description', () => {
  const bare = allKeys()
    .filter(({ description, type }) => description === '' && type !== 'section')
    .map(({ path }) => path)
  expect([...new Set(bare)], "Add .describe('...') to it.").toEqual([])
})

test('every metric is registered under its whole name, with what it is', () => {
  const processes = ['broker', 'cloud-processor', 'contract', 'edge-agent', 'platform'].map((folder) => `${folder}/src`)
  const madeUp = processes
    .flatMap(sourcesBelow)
    .filter(({ path, text }) => !/\.test\.ts$/.test(path) && /\b(?:counter|gauge)\(\s*`[^`]*\$\{/.test(text))
    .map(({ path }) => path)
  expect(madeUp, 'Write the name out: docs/reference/metrics.md and the alert rules are checked against it.').toEqual([])
  expect(
    allMetrics()
      .filter(({ help }) => help.length < 10)
      .map(({ name }) => name),
    'Say what it is.',
  ).toEqual([])
})

test('alert rules and dashboards name only metrics that exist', () => {
  const known = new Set(allMetrics().map(({ name }) => name))
  // What the store holds are measurements, not metrics of a process; that they are there, the dashboards' own test asks the store.
  const isStored = (file: string, name: string) =>
    file.includes('/dashboards/') && Object.values(measurements).some((measurement) => name.startsWith(`${measurement.name}_`))
  const files = ['operations', 'dashboards/grafana', 'dashboards/kibana', 'docs']
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && /\.(ya?ml|json|md)$/.test(entry.name))
        .map((entry) => join(entry.parentPath, entry.name)),
    )
  const unknown = files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/\b(?:millrace_[a-z0-9]+_[a-z0-9_]+|process_(?!name)[a-z]+_[a-z_]+)\b/g)]
      .map(([name]) => name)
      .filter((name) => !known.has(name) && !isStored(file, name))
      .map((name) => `${file.slice(root.length)}: ${name}`),
  )
  expect([...new Set(unknown)], 'Register it, or correct the name.').toEqual([])
})
