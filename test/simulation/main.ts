/**
 * `npm run simulate -- [--seeds n] [--from s] [--seed s] [--bugs] [--bug name]`
 *
 * Runs seeds in as many processes as there are cores. A failing seed is printed with what broke; `--seed` runs it again.
 * `--bugs` plants each bug in turn, and fails when one is not caught within 1,000 seeds.
 */
import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Bug, bugs, controls } from './bugs.ts'
import { type Outcome, runSeed } from './run.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    bugs: { type: 'boolean', default: false },
    bug: { type: 'string' },
    worker: { type: 'boolean', default: false },
  },
})

if (values.worker) work()
else if (values.seed !== undefined)
  process.exitCode = report(await runSeed(Number(values.seed), values.bug as Bug | undefined)) ? 0 : 1
else if (values.bugs) process.exitCode = (await plantAll()) ? 0 : 1
else
  process.exitCode =
    (await runMany(Number(values.from), Number(values.seeds), values.bug as Bug | undefined)).failed.length === 0 ? 0 : 1

/** Runs a slice of the seeds and tells each outcome. */
function work(): void {
  process.on('message', async ({ from, count, step, bug }: { from: number; count: number; step: number; bug?: Bug }) => {
    for (let seed = from; seed < from + count; seed += step) {
      const outcome = await runSeed(seed, bug)
      await new Promise((resolve) => process.send!(outcome, resolve))
    }
    process.disconnect()
  })
}

async function runMany(from: number, count: number, bug: Bug | undefined, stopAtFirst = false) {
  const startedMs = performance.now()
  const failed: Outcome[] = []
  const struck: Record<string, number> = {}
  let seeds = 0
  let readings = 0
  const step = Math.min(availableParallelism(), count)
  await Promise.all(
    Array.from({ length: step }, (_, offset) => {
      const child = fork(fileURLToPath(import.meta.url), ['--worker'])
      child.send({ from: from + offset, count: count - offset, step, bug })
      return new Promise<void>((resolve) => {
        child.on('message', (outcome: Outcome) => {
          seeds++
          readings += outcome.readings
          for (const [kind, times] of Object.entries(outcome.struck)) struck[kind] = (struck[kind] ?? 0) + times
          if (outcome.broken.length > 0) {
            failed.push(outcome)
            if (!stopAtFirst && failed.length <= 10) report(outcome)
            if (stopAtFirst) child.kill('SIGKILL')
          } else if (stopAtFirst && failed.length > 0) child.kill('SIGKILL')
        })
        child.on('exit', () => resolve())
      })
    }),
  )
  if (!stopAtFirst) {
    const seconds = (performance.now() - startedMs) / 1000
    console.log(`${seeds} seeds from ${from}, ${readings} readings, ${seconds.toFixed(1)} s: ${failed.length} broke a promise`)
    console.log(`faults that struck: ${JSON.stringify(struck)}`)
    const idle = [
      'kill -9',
      'SIGSTOP',
      'brokerKills',
      'cuts',
      'lost',
      'doubled',
      'overtaken',
      'disk error',
      'crash at a disk operation',
    ].filter((kind) => !struck[kind])
    if (seeds >= 100 && idle.length > 0) throw new Error(`these faults never struck: ${idle.join(', ')}`)
    if (seeds < count) throw new Error(`only ${seeds} of ${count} seeds were run`)
  }
  return { failed, seeds }
}

async function plantAll(): Promise<boolean> {
  let isRed = true
  for (const [control, what] of Object.entries(controls)) {
    const { failed, seeds } = await runMany(1, 300, control as Bug, true)
    console.log(
      `${failed.length === 0 ? 'green' : 'RED  '} ${control}: ${what}; ${seeds} seeds${failed[0] ? `: ${failed[0].broken[0]}` : ''}`,
    )
    isRed &&= failed.length === 0
  }
  for (const bug of Object.keys(bugs) as (keyof typeof bugs)[]) {
    const { failed, seeds } = await runMany(1, 1000, bug, true)
    const first = failed[0]
    console.log(
      first
        ? `red   ${bug}: ${bugs[bug]}; caught after ${seeds} seeds, by seed ${first.seed}: ${first.broken[0]}`
        : `GREEN ${bug}: not caught in ${seeds} seeds`,
    )
    isRed &&= first !== undefined
  }
  return isRed
}

function report({ seed, broken, struck, readings }: Outcome): boolean {
  if (broken.length === 0) console.log(`seed ${seed} holds: ${readings} readings, ${JSON.stringify(struck)}`)
  else console.log(`seed ${seed} broke:\n  ${broken.join('\n  ')}\n  again: npm run simulate -- --seed ${seed}`)
  return broken.length === 0
}
