/**
 * Gaps do not excuse losses: for each device the recorded ones, taken together, are at most the measured outages and one second a
 * fault; and each touches an outage. A device that measures once a second shows its absence a measurement early and late.
 */
import type { StoredGap } from '@millrace/cloud-processor/stores'
import { type Outage, unionMs } from './outages.ts'

export interface GapFinding {
  gaps: number
  gapMs: number
  outageMs: number
  wrong: string[]
}

const slackMs = 1000

export function compareGaps(
  gaps: StoredGap[],
  outages: Outage[],
  endMs: number,
  intervalMsOf: (device: string) => number,
): GapFinding {
  const finding: GapFinding = { gaps: 0, gapMs: 0, outageMs: 0, wrong: [] }
  for (const device of new Set(outages.map((outage) => outage.device))) {
    const own = outages.filter((outage) => outage.device === device && outage.fromMs < endMs)
    const edgeMs = 2 * intervalMsOf(device)
    const recorded = gaps
      .filter((gap) => gap.device === device && gap.fromMs < endMs - slackMs - edgeMs)
      .map(({ fromMs, toMs, reason }) => ({ fromMs, toMs: Math.min(toMs ?? endMs, endMs), reason }))
    const allowedMs = unionMs(own) + own.length * (slackMs + edgeMs)
    const gapMs = unionMs(recorded)
    finding.gaps += recorded.length
    finding.gapMs += gapMs
    finding.outageMs += unionMs(own)
    if (gapMs > allowedMs) finding.wrong.push(`${device}: gaps of ${gapMs} ms, outages and allowance ${allowedMs} ms`)
    for (const { fromMs, toMs, reason } of recorded) {
      const touches = own.some((one) => fromMs <= one.toMs + slackMs + edgeMs && toMs >= one.fromMs - slackMs - edgeMs)
      if (!touches) finding.wrong.push(`${device}: ${reason} from ${new Date(fromMs).toISOString()} without a fault`)
    }
  }
  return finding
}
