import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Export, unusedExports } from './exports.ts'
import { root } from './sources.ts'

const folders = [
  ...['alarms', 'broker', 'cli', 'cloud-processor', 'contract', 'dashboards', 'edge-agent', 'platform', 'simulators'],
  ...['docs', 'test'],
]
const isTest = (path: string) => /\.test\.tsx?$/.test(path)
/** What is there for tests alone. */
const isForTests = (path: string) => /^test\/|\/testing\/|conformance|test-reader|demo\//.test(path)

const wrong = (unused: Export[]) => unused.filter(isDead).map(({ path, name }) => `${path}: ${name}`)
const remedy = 'Take the word `export` away, or the whole thing. What only its own test needs says so: "Exported for its test".'

test('what is exported is imported somewhere', () => {
  expect(wrong(unusedExports(folders, () => true)), remedy).toEqual([])
})

test('what the processes export is for more than tests', () => {
  const forTestsOnly = unusedExports(folders, (path) => !isTest(path) && !path.startsWith('test/'))
  expect(wrong(forTestsOnly.filter(({ path }) => !isForTests(path) && !path.startsWith('docs/'))), remedy).toEqual([])
})

/** A type is part of what it describes when its own file uses it. */
function isDead({ path, name }: Export): boolean {
  const text = readFileSync(join(root, path), 'utf8')
  const [declaration] = new RegExp(`(?:^ *(?:/\\*\\*| \\*|//).*\\n)*^export .*\\b${name}\\b`, 'm').exec(text) ?? ['']
  if (/exported for (?:its test|the compiler)|for tests:/i.test(declaration)) return false
  if (!/export (?:interface|type) /.test(declaration)) return true
  return (text.match(new RegExp(`\\b${name}\\b`, 'g')) ?? []).length === 1
}
