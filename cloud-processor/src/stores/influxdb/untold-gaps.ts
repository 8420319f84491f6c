/**
 * The end of a gap that nobody told, and that readings which are stored already may have ended. After an outage one write may
 * bring many of them: the engine is asked for several at a time, and made to show what it holds once.
 */
import type { Summaries } from '../accounting/index.ts'
import type { Questions } from './questions.ts'
import type { Recent } from './recent.ts'

export async function endUntold(gaps: Summaries['gaps'], questions: Questions, recent: Recent): Promise<void> {
  const untold = gaps.flatMap(({ device, gap, endsBy }) =>
    endsBy === undefined ? [] : [{ device, gap, channel: gap.channel, fromMs: gap.fromMs, endsBy }],
  )
  if (untold.length === 0) return
  await recent.settle()
  const shown = await questions.firstsAfter(untold)
  for (const [k, { device, gap }] of untold.entries()) {
    const hidden = recent.firstAfter(device, gap.channel, gap.fromMs)
    if (shown[k] !== undefined || hidden !== undefined) gap.toMs = Math.min(shown[k] ?? hidden!, hidden ?? shown[k]!)
  }
}
