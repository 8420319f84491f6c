import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Kind, kinds, named, pluginsOf, wrongImports } from './kinds.ts'
import { folders, isTest, root, sourcesBelow } from './sources.ts'

/** A kind inside of a plug-in. */
const dialects: Kind = { name: 'dialect', folder: 'cloud-processor/src/stores/influxdb/dialects', parts: [] }

test.each([...kinds, dialects])('every $name has the same shape and one line in index.ts', (kind) => {
  const index = readFileSync(join(root, kind.folder, 'index.ts'), 'utf8')
  const plugins = pluginsOf(kind)
  expect(plugins.length).toBeGreaterThan(0)
  const missing = plugins.flatMap((name) => [
    ...[`${name}.ts`, `${name}.test.ts`, 'README.md', ...kind.parts]
      .map((part) => `${name}/${part}`)
      .filter((part) => !existsSync(join(root, kind.folder, part))),
    ...(index.includes(`./${name}/${name}.ts`) ? [] : [`a line for ${name} in ${basename(kind.folder)}/index.ts`]),
  ])
  expect(missing, 'A plug-in is one folder with the same things; see STYLE in CONTRIBUTING.md.').toEqual([])
})

test.each(kinds)('every $name runs the conformance of its kind, and the kind has a README', (kind) => {
  for (const part of ['conformance.ts', 'index.ts', 'README.md'])
    expect(existsSync(join(root, kind.folder, part)), part).toBe(true)
  const silent = pluginsOf(kind).filter(
    (name) => !readFileSync(join(root, kind.folder, name, `${name}.test.ts`), 'utf8').includes("from '../conformance.ts'"),
  )
  expect(silent, 'Run the functions of conformance.ts in its test.').toEqual([])
})

describe('nothing outside names a plug-in', () => {
  const sources = folders.flatMap(sourcesBelow).filter(({ path }) => !isTest(path))
  /** Those that run in an installation. Programs that make one, such as `millrace up`, write configurations. */
  const processes = sources.filter(({ path }) => /^(?:platform|contract|alarms|edge-agent|broker|cloud-processor)\//.test(path))

  test.each(kinds)('$name', (kind) => {
    const plugins = pluginsOf(kind)
    const wrong = [...wrongImports(kind, plugins, sources), ...named(kind, plugins, processes)]
    expect(wrong, "Ask a flag of the plug-in, or its kind's list, instead.").toEqual([])
  })

  test('and one that does is found', () => {
    const [bus] = kinds.filter(({ name }) => name === 'bus')
    const source = (path: string, text: string, ...imports: string[]) => ({ path: `edge-agent/src/${path}`, text, imports })
    const asking = source('config.ts', "if (busKind === 'serial') {}\nconst device = { kind: 'tcp' }")
    expect(named(bus!, ['serial', 'tcp'], [asking, source('bus/tcp/tcp.ts', "kind: 'tcp'")])).toEqual([
      'edge-agent/src/config.ts names serial',
      'edge-agent/src/config.ts names tcp',
    ])
    const importing = source('bus/tcp/tcp.ts', '', '../serial/serial.ts', './line.ts', '../bus.ts')
    expect(wrongImports(bus!, ['serial', 'tcp'], [importing, source('bus/index.ts', '', './tcp/tcp.ts')])).toEqual([
      'edge-agent/src/bus/tcp/tcp.ts imports edge-agent/src/bus/serial/serial.ts',
    ])
  })
})
