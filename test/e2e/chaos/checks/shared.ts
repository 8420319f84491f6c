/** What is promised only of several processors on one log: beside all that one alone promises. */
import type { SharedEngines } from '../engines.ts'
import { type FirstAfter, firstIn, type Recovery, recoveries } from '../freshness.ts'
import { type Committed, compareCommitted } from './committed.ts'
import type { LogView } from './log.ts'
import type { Run } from './run.ts'
import { readTimeline } from './timeline.ts'
import { exportAll, storedSameMs } from './victoria-metrics.ts'

export interface Findings {
  find(isSo: boolean, what: string): void
  none(wrong: string[], what: string): void
  sayCommitted(committed: Committed, where: string): void
}

/** From a fault's end to the first new reading that the store holds. */
const freshWithinMs = 5000

export async function checkShared(run: Run, engines: SharedEngines, log: LogView, say: Findings): Promise<void> {
  const { installation, ledgers, faults, endMs } = run
  const { looks, busy } = run.seen!
  const { find, none, sayCommitted } = say
  none(faults.wrong, 'every fault ended as it was to')

  const { series, twice, arrivals } = await readTimeline(log)
  none(twice, 'no batch is on the timeline twice for a reader that follows the rule')
  sayCommitted(compareCommitted(ledgers, series), 'the timeline by the rule: ')
  const repeats = Object.entries(log.repeats).map(([topic, count]) => `${count} of ${topic}`)
  find(true, `records written again by who took over, and ignored by the rule: ${repeats.join(', ') || 'none'}`)

  if (engines.store) {
    const { stored, rewritten } = await exportAll(engines.store.address, installation.api)
    sayCommitted(compareCommitted(ledgers, stored, storedSameMs), 'by the export of the store itself: ')
    const ours = new Set(installation.devices.map(({ device }) => device))
    const again = [...rewritten].reduce((sum, [device, count]) => sum + (ours.has(device) ? count : 0), 0)
    find(again === 0, `${again} points were written a second time beside the first`)
  }

  const onTimeline: FirstAfter = (device, ms) =>
    arrivals.get(device)?.find(({ atMs, newestMs }) => atMs > ms && newestMs > ms)?.atMs
  const judging = { stored: firstIn(looks), onTimeline, withinMs: freshWithinMs, endMs, busy }
  const found = recoveries(faults.strikes, installation, judging)
  for (const recovery of found.toSorted((a, b) => b.worstPart - a.worstPart)) find(recovery.worstPart <= 1, sayRecovery(recovery))
}

function sayRecovery({ kind, judged, hidden, worstMs, timelineMs, worst, worstPart }: Recovery): string {
  if (judged === 0) return `${kind}: other faults were active at all of its ${hidden} ends`
  const figures = `on the timeline ${seconds(timelineMs)}, stored ${seconds(worstMs)} after its end`
  const part = `${Math.round(worstPart * 100)} % of what it may take on a machine so busy`
  return `${kind}: first new readings at worst ${figures}, ${part}; of ${judged}, ${hidden} more hidden by other faults${worstPart > 1 ? `: ${worst}` : ''}`
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
