/** What was produced, cut where gaps begin and end. */

export interface Produced {
  /** Epoch ms when written to the line. */
  t: number[]
  v: (number | string | boolean)[]
}

export interface Span {
  fromMs: number
  toMs: number
}

/** Produced values `from` to before `to`: core, all of which must be stored, or under a gap. */
export interface Stretch {
  isCore: boolean
  from: number
  to: number
}

export function cutAtGaps({ t }: Produced, recorded: Span[], slackMs: number): Stretch[] {
  const gaps = widen(recorded, slackMs)
  const stretches: Stretch[] = []
  let gap = 0
  for (let i = 0; i < t.length; i++) {
    while (gap < gaps.length && gaps[gap]!.toMs < t[i]!) gap++
    const isCore = !(gap < gaps.length && t[i]! >= gaps[gap]!.fromMs)
    const last = stretches.at(-1)
    if (last?.isCore === isCore) last.to = i + 1
    else stretches.push({ isCore, from: i, to: i + 1 })
  }
  return stretches
}

/** Sorted, joined, widened by the slack. */
function widen(gaps: Span[], slackMs: number): Span[] {
  const wide: Span[] = []
  for (const { fromMs, toMs } of gaps.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const last = wide.at(-1)
    const span = { fromMs: fromMs - slackMs, toMs: toMs + slackMs }
    if (last && span.fromMs <= last.toMs) last.toMs = Math.max(last.toMs, span.toMs)
    else wide.push(span)
  }
  return wide
}
