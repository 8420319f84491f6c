/** Beats found against beats labelled, in ms: each is matched once, with the nearest within 150 ms. */
const toleranceMs = 150

export interface Score {
  labelled: number
  found: number
  matched: number
  /** Median of found − labelled. */
  offsetMs: number
}

export function score(labelled: number[], found: number[]): Score {
  const offsets: number[] = []
  let at = 0
  for (const beat of labelled) {
    while (at < found.length && found[at]! < beat - toleranceMs) at++
    const next = found[at + 1]
    if (next !== undefined && Math.abs(next - beat) < Math.abs(found[at]! - beat)) at++
    if (at < found.length && found[at]! <= beat + toleranceMs) offsets.push(found[at++]! - beat)
  }
  offsets.sort((a, b) => a - b)
  return { labelled: labelled.length, found: found.length, matched: offsets.length, offsetMs: offsets[offsets.length >> 1] ?? 0 }
}

export const sensitivity = ({ matched, labelled }: Score) => (100 * matched) / labelled
export const predictivity = ({ matched, found }: Score) => (100 * matched) / Math.max(found, 1)
