/** The figures of a run, for people. */
import { loadavg } from 'node:os'
import type { Faults } from './faults.ts'
import type { Ledgers } from './observer.ts'
import type { QuietWindow } from './rounds.ts'

export function report(run: { seed: number; faults: Faults; windows: QuietWindow[]; ledgers: Ledgers }): string[] {
  const { faults, windows, ledgers } = run
  const struck = Map.groupBy(faults.strikes, ({ kind }) => kind)
  const closed = windows.map(({ closedMs }) => (closedMs === undefined ? 'open' : (closedMs / 1000).toFixed(1)))
  const loads = windows.map(({ load }) => load).concat(loadavg()[0]!)
  const errors = Map.groupBy(ledgers.errors, (error) => error)
  return [
    `seed ${run.seed}; faults that struck: ${[...struck].map(([kind, list]) => `${list.length} ${kind}`).join(', ')}`,
    `faults that found their target down already: ${JSON.stringify(faults.missed)}`,
    `quiet windows, seconds to close: ${closed.join(' ')}; load average ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}`,
    ...[...errors].map(([error, list]) => `logged ${list.length} times: ${error}`),
  ]
}
