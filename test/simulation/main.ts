/**
 * `npm run simulate -- [--seeds n] [--from s] [--seed s] [--processors n] [--bugs] [--bug name]`
 *
 * Runs seeds in as many processes as there are cores. A failing seed is printed with what broke; `--seed` runs it again.
 * Every twentieth seed is of several processors on a shared log, the others of one on a log of its own; `--processors` makes all
 * of them of so many. `--bugs` plants each bug in turn, and fails when one is not caught within 1,000 seeds.
 */
import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { readArguments } from '@millrace/platform'
import { type Bug, bugs, controls, sharedBugs, sharedControls } from './bugs.ts'
import { type Outcome, runSeed } from './run.ts'
import { runManySeed } from './run-many.ts'

/** One seed in so many is of several processors: it takes longer than the others. */
const sharedEvery = 50
const seedsAtOnce = 5

/** Kinds that must have struck. */
const faultsOfOne = [
  'kill -9',
  'SIGSTOP',
  'brokerKills',
  'cuts',
  'lost',
  'doubled',
  'overtaken',
  'disk error',
  'crash at a disk operation',
  'busy for good',
]
const faultsOfMany = [
  ...[
    'kill -9',
    'SIGSTOP',
    'zombie',
    'clean stop',
    'clean stop while joining',
    'machine cut from the log',
    'log restart',
    'kill -9 of an agent',
  ],
  ...['log request lost', 'log answer lost', 'log request late', 'half a snapshot', 'half a store write', 'suspect of the store'],
  ...['notification refused', 'notification repeated'],
]

const { values } = readArguments(
  { call: 'npm run simulate --' },
  {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    bugs: { type: 'boolean', default: false },
    bug: { type: 'string' },
    processors: { type: 'string' },
    worker: { type: 'boolean', default: false },
  },
)

interface What {
  /** Absent: as the seed says. */
  processors?: number
  bug?: Bug
}

const what: What = {
  ...(values.processors === undefined ? {} : { processors: Number(values.processors) }),
  ...(values.bug === undefined ? {} : { bug: values.bug as Bug }),
}

if (values.worker) work()
else if (values.seed !== undefined) process.exitCode = report(await run(Number(values.seed), what)) ? 0 : 1
else if (values.bugs) process.exitCode = (await plantAll()) ? 0 : 1
else process.exitCode = (await runMany(Number(values.from), Number(values.seeds), what)).failed.length === 0 ? 0 : 1

function run(seed: number, { processors, bug }: What): Promise<Outcome> {
  const isShared = bug === undefined ? seed % sharedEvery === 0 : bug in sharedBugs || bug in sharedControls
  if (processors === undefined ? isShared : processors > 1) return runManySeed(seed, processors, bug)
  return runSeed(seed, bug)
}

/** Runs what it is sent, and tells each outcome. */
function work(): void {
  process.on('message', async ({ seeds, what }: { seeds: number[]; what: What }) => {
    for (const seed of seeds) {
      const outcome = await run(seed, what)
      await new Promise((resolve) => process.send!({ outcome, isLast: seed === seeds.at(-1) }, resolve))
    }
  })
}

async function runMany(from: number, count: number, what: What, stopAtFirst = false) {
  const startedMs = performance.now()
  const failed: Outcome[] = []
  const struck: Record<string, number> = {}
  let seeds = 0
  let readings = 0
  let shared = 0
  let next = from
  const isOver = () => next >= from + count || (stopAtFirst && failed.length > 0)
  /** A few at a time, so that no process waits for another at the end. */
  const some = () => {
    const first = next
    next = Math.min(from + count, next + seedsAtOnce)
    return Array.from({ length: next - first }, (_, k) => first + k)
  }
  const take = (outcome: Outcome) => {
    seeds++
    readings += outcome.readings
    if (outcome.processors !== undefined) shared++
    for (const [kind, times] of Object.entries(outcome.struck)) struck[kind] = (struck[kind] ?? 0) + times
    if (outcome.broken.length === 0) return
    failed.push(outcome)
    if (!stopAtFirst && failed.length <= 10) report(outcome)
  }
  await Promise.all(
    Array.from({ length: Math.min(availableParallelism(), Math.ceil(count / seedsAtOnce)) }, () => {
      const child = fork(fileURLToPath(import.meta.url), ['--worker'])
      child.send({ seeds: some(), what })
      return new Promise<void>((resolve) => {
        child.on('message', ({ outcome, isLast }: { outcome: Outcome; isLast: boolean }) => {
          take(outcome)
          if (stopAtFirst && failed.length > 0) child.kill('SIGKILL')
          else if (isLast && isOver()) child.disconnect()
          else if (isLast) child.send({ seeds: some(), what })
        })
        child.on('exit', () => resolve())
      })
    }),
  )
  if (!stopAtFirst) {
    const seconds = (performance.now() - startedMs) / 1000
    console.log(
      `${seeds} seeds from ${from}, ${shared} of several processors, ${readings} readings, ${seconds.toFixed(1)} s: ${failed.length} broke a promise`,
    )
    console.log(`faults that struck: ${JSON.stringify(struck)}`)
    const idle = [...(seeds - shared >= 100 ? faultsOfOne : []), ...(shared >= 100 ? faultsOfMany : [])].filter(
      (kind) => !struck[kind],
    )
    if (idle.length > 0) throw new Error(`these faults never struck: ${idle.join(', ')}`)
    if (seeds < count) throw new Error(`only ${seeds} of ${count} seeds were run`)
  }
  return { failed, seeds }
}

async function plantAll(): Promise<boolean> {
  let isRed = true
  for (const [control, says] of Object.entries({ ...controls, ...sharedControls })) {
    const { failed, seeds } = await runMany(1, 300, { bug: control as Bug }, true)
    console.log(
      `${failed.length === 0 ? 'green' : 'RED  '} ${control}: ${says}; ${seeds} seeds${failed[0] ? `: ${failed[0].broken[0]}` : ''}`,
    )
    isRed &&= failed.length === 0
  }
  for (const [bug, says] of Object.entries({ ...bugs, ...sharedBugs })) {
    const { failed, seeds } = await runMany(1, 1000, { bug: bug as Bug }, true)
    const first = failed[0]
    console.log(
      first
        ? `red   ${bug}: ${says}; caught after ${seeds} seeds, by seed ${first.seed}: ${first.broken[0]}`
        : `GREEN ${bug}: not caught in ${seeds} seeds`,
    )
    isRed &&= first !== undefined
  }
  return isRed
}

function report({ seed, processors, broken, struck, readings }: Outcome): boolean {
  const isShared = processors !== undefined
  const again = [
    `--seed ${seed}`,
    ...(isShared !== (seed % sharedEvery === 0) || values.processors ? [`--processors ${processors ?? 1}`] : []),
    ...(values.bug ? [`--bug ${values.bug}`] : []),
  ]
  if (broken.length === 0) console.log(`seed ${seed} holds: ${readings} readings, ${JSON.stringify(struck)}`)
  else console.log(`seed ${seed} broke:\n  ${broken.join('\n  ')}\n  again: npm run simulate -- ${again.join(' ')}`)
  return broken.length === 0
}
