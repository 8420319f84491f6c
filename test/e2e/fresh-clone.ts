/**
 * First contact: in a clone without packages each npm script works, with the machine's own Node, and no script is silent for long.
 *
 *     npm run break -- fresh-clone [--only start,check]
 */
import { execFileSync, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readArguments } from '@millrace/platform'
import { freePort } from '@millrace/platform/testing/free-port'
import { userEnvironment } from '../support/npm-start.ts'
import { type Program, program } from '../support/program.ts'

const { values } = readArguments({ call: 'npm run break -- fresh-clone' }, { only: { type: 'string' } })
const repository = resolve(import.meta.dirname, '../..')
/** What is run of each; those that would run for long say how they are called. */
const scripts: Record<string, string[]> = {
  start: [],
  millrace: ['--', '--help'],
  check: [],
  fix: [],
  docs: [],
  engines: ['--', '--list'],
  simulate: ['--', '--seeds', '2'],
  break: [],
  cluster: ['--', '--help'],
  bench: ['--', '--help'],
  test: ['--', '--help'],
  'test:ci': ['--', '--help'],
}
/** While packages are installed or something starts. */
const silentMsMax = 5000

await program('fresh-clone', async (context) => {
  const clone = join(context.dir, 'clone')
  execFileSync('git', ['clone', '--quiet', '--depth', '1', `file://${repository}`, clone])
  for (const [name, args] of Object.entries(scripts)) {
    if (values.only && !values.only.split(',').includes(name)) continue
    rmSync(join(clone, 'node_modules'), { recursive: true, force: true })
    await runScript(context, clone, name, args)
  }
})

async function runScript({ check, dir }: Program, clone: string, name: string, args: string[]): Promise<void> {
  const own = name === 'start' ? ['--', '--port', `${await freePort()}`, '--data', join(dir, 'data')] : args
  const child = spawn('npm', ['run', name, ...own], { cwd: clone, env: userEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] })
  const startedMs = performance.now()
  let [saidMs, silentMs, said, live] = [startedMs, 0, '', '']
  const see = (chunk: Buffer) => {
    // What the page's story says later is not waited for.
    if (live === '') silentMs = Math.max(silentMs, performance.now() - saidMs)
    saidMs = performance.now()
    said += chunk
    if (live === '' && said.includes('Millrace runs:')) {
      live = `, the page after ${seconds(startedMs)}`
      child.kill('SIGTERM')
    }
  }
  child.stdout.on('data', see)
  child.stderr.on('data', see)
  const code = await new Promise<number | null>((done) => child.once('close', done))
  const isTrace = /^ {4}at .*:\d+:\d+\)?$/m.test(said)
  const isHeard = name === 'start' ? silentMs < silentMsMax : true
  const isRight = !isTrace && isHeard && (name === 'start' ? live !== '' : code === 0)
  check(
    isRight,
    `npm run ${name} ${args.slice(1).join(' ')}: code ${code} after ${seconds(startedMs)}${live}, longest silence ${(silentMs / 1000).toFixed(1)} s`,
  )
  if (!isRight) console.log(said.slice(-3000))
}

function seconds(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`
}
