/**
 * `npm run break -- conformance [--only kafka | clauses]`: every log, store and sink by the same suites, on the engines that are here, as a table;
 * our broker, agent and host by the clauses of MQTT 3.1.1 and Sparkplug 3.0, a line a case.
 * A cell says what was really run; one that could not be says why.
 */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readArguments } from '@millrace/platform'

const { values } = readArguments({ call: 'npm run break -- conformance' }, { only: { type: 'string' } })
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const source = (name: string) => here(`../../cloud-processor/src/${name}`)

interface Cell {
  what: string
  engine: string
  program?: string
  args?: string[]
  files?: string[]
}

/** Programs here that run a suite on an engine: `store-questdb.ts`. */
const onEngines: Cell[] = readdirSync(here('.'))
  .filter((name) => name.endsWith('.ts'))
  .filter((name) => /^await runSuite\(/m.test(readFileSync(here(name), 'utf8')))
  .map((program) => {
    const [, what, engine] = /^(\w+)-(.+)\.ts$/.exec(program)!
    return { what: what!, engine: engine!, program }
  })
const clauses: Cell[] = ['broker', 'agent', 'host'].map((engine) => ({
  what: 'clauses',
  engine,
  program: 'clauses.ts',
  args: [engine],
}))
/** Plug-ins that need none run the conformance in their own test. */
const plugins = ['log', 'store', 'sink'].flatMap((what) => [
  ...withoutEngine(what),
  ...onEngines.filter((cell) => cell.what === what),
])
const cells = [...clauses, ...plugins, ...onEngines.filter((cell) => !plugins.includes(cell))]

interface Ran {
  code: number
  text: string
  seconds: number
}

const wanted = cells.filter(({ engine, what }) => values.only === undefined || values.only === engine || values.only === what)
const rows: { what: string; engine: string; outcome: string; isFailed: boolean }[] = []
for (const cell of wanted) {
  const { what, engine, program, args = [], files } = cell
  console.log(`\n=== ${what}: ${engine}`)
  const ran = program ? await run(process.execPath, [here(program), ...args]) : await run('vitest', ['run', ...files!])
  rows.push({ what, engine, outcome: outcomeOf(ran), isFailed: ran.code !== 0 && ran.code !== 77 })
}
console.log(`\nload average ${loadavg()[0]!.toFixed(1)}\n`)
for (const { what, engine, outcome } of rows) console.log(`${what.padEnd(10)} ${engine.padEnd(17)} ${outcome}`)
process.exitCode = rows.some(({ isFailed }) => isFailed) ? 1 : rows.every(({ outcome }) => outcome.startsWith('not run')) ? 77 : 0

function withoutEngine(what: string): Cell[] {
  const folder = source(what === 'log' ? what : `${what}s`)
  return readdirSync(folder)
    .map((engine) => ({ what, engine, files: [join(folder, engine, `${engine}.test.ts`)] }))
    .filter(({ files: [file] }) => existsSync(file!) && readFileSync(file!, 'utf8').includes("from '../conformance.ts'"))
}

/** vitest's closing line has the counts. */
function outcomeOf({ code, text, seconds }: Ran): string {
  if (code === 77) return `not run: ${text.trim().split('\n').at(-1)}`
  const counts = /Tests\s+(.*?)\s*\(\d+\)/.exec(plain(text))?.[1] ?? 'no count'
  return `${code === 0 ? 'holds' : 'FAILED'}: ${counts}, ${seconds.toFixed(0)} s`
}

function plain(text: string): string {
  return text.replace(/\u001b\[[0-9;]*m/g, '')
}

function run(command: string, args: string[]): Promise<Ran> {
  const startedMs = performance.now()
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        text += chunk
        process.stdout.write(chunk)
      })
    }
    child.on('error', (error) => resolve({ code: 1, text: `${error}`, seconds: 0 }))
    child.on('exit', (code) => resolve({ code: code ?? 1, text, seconds: (performance.now() - startedMs) / 1000 }))
  })
}
