/**
 * What receipts told of one boot: the processor's clock less the boot's monotonic clock, at some times. Between two of them, as
 * across an outage, the offset lies on the line through both, which takes the drift of the crystal out. Where they differ by
 * more than crystals drift, the processor's clock was set, and the later one counts.
 */
export type Known = [monotonicMs: number, offsetMs: number, uncertaintyMs: number]

export interface Offset {
  offsetMs: number
  uncertaintyMs: number
}

/** Two crystals of 50 ppm. */
const driftPerMs = 1e-4
/** More than any crystal drifts: a clock was set. */
const driftPerMsMax = 2e-3
const knownMax = 32
const everyMs = 600_000
/** A change below this is not kept apart. */
const sameMs = 5

/** In place, in order of time. True when it is worth writing down. */
export function addKnown(all: Known[], known: Known): boolean {
  const last = all.at(-1)
  const [monotonicMs, offsetMs, uncertaintyMs] = known
  const isLate = !last || monotonicMs - last[0] >= everyMs
  const isOther = !last || Math.abs(offsetMs - last[1]) > sameMs || uncertaintyMs < last[2] / 2
  if (!isLate && !isOther) return false
  // What the first exchanges said roughly, a better one says for the same time.
  const isBetter = last !== undefined && !isLate && Math.abs(offsetMs - last[1]) <= last[2] + uncertaintyMs
  all.splice(isBetter ? -1 : all.length, isBetter ? 1 : 0, isBetter ? [last[0], offsetMs, uncertaintyMs] : known)
  if (all.length > knownMax) all.splice(1 + Math.floor(all.length / 2), 1)
  return true
}

/** Undefined while nothing is known. */
export function offsetAt(all: Known[], monotonicMs: number): Offset | undefined {
  const after = all.findIndex(([at]) => at >= monotonicMs)
  const before = after < 0 ? all.at(-1) : all[after - 1]
  const next = after < 0 ? undefined : all[after]
  if (!before || !next || isSet(before, next)) return near(next ?? before, monotonicMs)
  const share = (monotonicMs - before[0]) / (next[0] - before[0])
  const uncertaintyMs = Math.max(
    near(before, monotonicMs)!.uncertaintyMs * (1 - share),
    near(next, monotonicMs)!.uncertaintyMs * share,
  )
  return { offsetMs: before[1] + share * (next[1] - before[1]), uncertaintyMs: Math.max(uncertaintyMs, before[2], next[2]) }
}

function near(known: Known | undefined, monotonicMs: number): Offset | undefined {
  if (!known) return undefined
  const [atMs, offsetMs, uncertaintyMs] = known
  return { offsetMs, uncertaintyMs: uncertaintyMs + Math.abs(monotonicMs - atMs) * driftPerMs }
}

function isSet([fromMs, from, fromUncertainty]: Known, [toMs, to, toUncertainty]: Known): boolean {
  return Math.abs(to - from) > (toMs - fromMs) * driftPerMsMax + fromUncertainty + toUncertainty
}
