/**
 * The stretches of time in which a device's readings have their times: what may not be given again. Apart, in order, in whole
 * ms. Stretches that lie close become one, and past the bound those that lie closest: a stretch may cover more than was given,
 * never less.
 */
export type Stretches = [fromMs: number, toMs: number][]

/** A longer silence parts two stretches: a clock that jumped leaves the time in between free. */
export const silenceMsMax = 60_000
const stretchesMax = 16

/** The stretches and one more; the old list stays as it is. */
export function addStretch(stretches: Stretches, fromMs: number, toMs: number): Stretches {
  const sorted = [...stretches, [Math.floor(fromMs), Math.ceil(toMs)] as [number, number]].sort((a, b) => a[0] - b[0])
  const joined = joinWhere(sorted, (hole) => hole <= silenceMsMax)
  while (joined.length > stretchesMax) joinSmallest(joined)
  return joined
}

function joinWhere(sorted: Stretches, isSmall: (hole: number) => boolean): Stretches {
  const joined: Stretches = []
  for (const [fromMs, toMs] of sorted) {
    const last = joined.at(-1)
    if (last && isSmall(fromMs - last[1])) joined[joined.length - 1] = [last[0], Math.max(last[1], toMs)]
    else joined.push([fromMs, toMs])
  }
  return joined
}

function joinSmallest(stretches: Stretches): void {
  let at = 1
  for (let k = 2; k < stretches.length; k++) if (holeBefore(stretches, k) < holeBefore(stretches, at)) at = k
  stretches.splice(at - 1, 2, [stretches[at - 1]![0], stretches[at]![1]])
}

const holeBefore = (stretches: Stretches, k: number) => stretches[k]![0] - stretches[k - 1]![1]

/** The first whole ms at or after `atMs` that is in no stretch. */
export function firstFree(stretches: Stretches, atMs: number): number {
  let free = Math.round(atMs)
  for (const [fromMs, toMs] of stretches) if (free >= fromMs && free <= toMs) free = toMs + 1
  return free
}

/** Whether the two differ in more than the end of one stretch. */
export function isOtherShape(a: Stretches, b: Stretches): boolean {
  return a.length !== b.length || a.some(([fromMs], k) => fromMs !== b[k]![0])
}

/** The stretches, of which the one that `lastMs` belongs to has grown up to there. */
export function grownTo(stretches: Stretches, lastMs: number): Stretches {
  const grown = stretches.findLastIndex(([fromMs]) => fromMs <= lastMs)
  return stretches.map(([fromMs, toMs], k) => [fromMs, k === grown ? Math.max(toMs, Math.ceil(lastMs)) : toMs])
}
