/** Every command says how it is called, and every npm script works on a fresh clone. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { folders, isTest, root, sourcesBelow } from './sources.ts'

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
const programs = [...readFileSync(join(root, 'test/break.ts'), 'utf8').matchAll(/\{ file: '(.+?)'/g)].map(([, file]) => file!)
const commands = [
  'backtest',
  'ledger',
  'verify',
  'replay',
  'setup',
  'backup',
  'restore',
  'page',
  'package',
  'tail',
  'trace',
  'up',
  'version',
]
const processes = ['cloud-processor/src/main.ts', 'edge-agent/src/main.ts', 'broker/src/main.ts', 'simulators/src/main.ts']
const generators = ['docs/generate/main.ts', 'dashboards/src/grafana/generate.ts', 'dashboards/src/kibana/generate.ts']
const others = [
  'test/break.ts',
  'test/run.ts',
  'test/bench/main.ts',
  'test/simulation/main.ts',
  'test/e2e/cluster.ts',
  'test/engines/main.ts',
]

function run(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    said.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    said.err += chunk
  })
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, ...said })))
}

describe.concurrent('--help prints how it is called', () => {
  const all = [
    ...commands.map((name) => ['cli/src/main.ts', name]),
    ['cli/src/main.ts'],
    ...[...processes, ...generators, ...others].map((file) => [file]),
  ]
  test.each(all)('%s %s', { timeout: 60_000 }, async (...args) => {
    const given = args.filter((arg) => typeof arg === 'string')
    const { code, out, err } = await run(...given, '--help')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^usage: (?:npm (?:run|test)|npx|node|millrace)/)
  })
})

test('every program of npm run break reads its arguments in the one place that has --help', () => {
  for (const file of programs) expect(readFileSync(join(root, 'test', file), 'utf8'), file).toMatch(/\breadArguments\(/)
})

test('an argument that is not known is named, without a stack trace', { timeout: 60_000 }, async () => {
  for (const file of ['cli/src/main.ts ledger', ...processes, 'test/e2e/chaos.ts', 'test/e2e/start.ts']) {
    const { code, out, err } = await run(...file.split(' '), '--nonsense')
    expect({ file, code, out }).toEqual({ file, code: 2, out: '' })
    expect(err).toMatch(/^Unknown option '--nonsense'\.\n\nusage: /)
  }
})

test('arguments are read in one place', () => {
  const wrong = folders
    .flatMap(sourcesBelow)
    .filter(({ path, text }) => (!isTest(path) || path.startsWith('test/')) && /\bparseArgs\(/.test(text))
    .map(({ path }) => path)
    .filter((path) => path !== 'platform/src/arguments.ts' && path !== 'test/tidy/commands.test.ts')
  expect(wrong, 'Use readArguments of @millrace/platform: it has --help, and no stack trace for a wrong argument.').toEqual([])
})

test('there are at most twelve npm scripts, and each installs what it needs and runs on the project’s Node', () => {
  expect(Object.keys(scripts).length).toBeLessThanOrEqual(12)
  for (const [name, script] of Object.entries(scripts))
    for (const part of script.split(' && ')) expect(part, name).toMatch(/^(?:(?:exec )?node start\/run\.mjs|npm run --silent) /)
})
