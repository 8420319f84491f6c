/**
 * `npm start` ends when any process of its tree is sent SIGINT or SIGTERM: npm, its shell, the launcher, `up`, or one of the
 * processes of the installation. Nothing is left behind.
 *
 *     npm run break -- told-to-stop
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readArguments } from '@millrace/platform'
import { freePort } from '@millrace/platform/testing/free-port'
import { npmStart, type Started } from '../support/npm-start.ts'
import { findProcesses, isAlive } from '../support/process-facts.ts'
import { type Program, program } from '../support/program.ts'

const { values } = readArguments({ call: 'npm run break -- told-to-stop' }, { only: { type: 'string' } })
const stopMs = 25_000
const installation = ['simulator', 'agent', 'broker', 'processor']

await program('told-to-stop', async (context) => {
  const names = values.only?.split(',') ?? ['npm', 'shell', 'launcher', 'up', ...installation]
  for (const signal of ['SIGTERM', 'SIGINT'] as const) for (const name of names) await tell(context, name, signal)
})

async function tell(context: Program, name: string, signal: 'SIGINT' | 'SIGTERM'): Promise<void> {
  const data = join(context.dir, `${name}-${signal}`)
  const started = await npmStart(context, data, await freePort())
  const tree = treeOf(started, data)
  const pid = tree.get(name)
  if (pid === undefined) return context.say(`there is no ${name} here: npm, or its shell, replaces itself by what it starts`)
  const all = [...tree.values(), ...findProcesses(data)]
  process.kill(pid, signal)
  const sinceMs = performance.now()
  while (all.some(isAlive) && performance.now() - sinceMs < stopMs) await new Promise((resolve) => setTimeout(resolve, 50))
  const left = all.filter(isAlive)
  const tookMs = Math.round(performance.now() - sinceMs)
  context.check(
    left.length === 0,
    `${signal} to ${name}: ${new Set(all).size} processes ended after ${tookMs} ms, ${left.length} left`,
  )
  for (const each of left) process.kill(each, 'SIGKILL')
}

/** From npm down to `up`, and the processes of the installation. */
function treeOf({ pid }: Started, data: string): Map<string, number> {
  const tree = new Map([['npm', pid]])
  const byName = (found: number) => installation.find((name) => argumentsOf(found).some((part) => isOf(name, part, data)))
  for (const found of findProcesses(data)) {
    const parts = argumentsOf(found)
    const name = byName(found)
    if (name) tree.set(name, found)
    else if (parts.some((part) => part.endsWith('start/run.mjs')) && parts[0]!.endsWith('node')) tree.set('launcher', found)
    else if (parts[0]!.endsWith('sh')) tree.set('shell', found)
    else if (parts.includes('up')) tree.set('up', found)
  }
  return tree
}

function isOf(name: string, part: string, data: string): boolean {
  return name === 'simulator' ? part === join(data, 'ports') : part === join(data, `${name}.yaml`)
}

function argumentsOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
}
