/**
 * Joins waveform samples into segments: a start, an interval, values. A sample belongs to the segment as long as its time is
 * within half an interval of its place; else it starts the next segment. No sample is lost or moved further.
 *
 * Starts lie on a grid of `stepMs`, and no two samples are closer, within a segment or between two: 1 ms, so that a store of
 * that resolution holds each of them however it rounds `t + k * i`; for channels of more than 1,000 samples a second 2^-n ms,
 * which is half an interval or less. Two samples closer than nominal (a burst) set the segment's interval, so that a squeezed
 * run is one segment too.
 */
import type { Segment } from '@millrace/contract'

export interface Segments {
  /** Neighbours are this far apart at least. */
  readonly stepMs: number
  /** `atMs` is at least `stepMs` after `endMs`. */
  add(atMs: number, value: number): void
  /** What was joined since the last call. */
  take(): Segment[]
  /** Time of the newest sample by the reckoning of its segment, as a reader of the segment will see it. */
  endMs(): number
  /** Another stretch of time begins. */
  reset(): void
}

/** Stores tell samples apart by the microsecond, rounded. */
const stepMsMin = 1 / 256

/** Powers of two, which times have no rounding of. */
function stepOf(intervalMs: number): number {
  return intervalMs >= 1 ? 1 : Math.max(stepMsMin, 2 ** Math.floor(Math.log2(intervalMs / 2)))
}

export function createSegments(intervalMs: number): Segments {
  const stepMs = stepOf(intervalMs)
  let done: Segment[] = []
  let open: Segment | undefined
  /** Of the newest sample by the reckoning of its segment. */
  let endMs = Number.NEGATIVE_INFINITY

  function fits(segment: Segment, atMs: number): boolean {
    const count = segment.v.length
    const lateMs = atMs - segment.t - count * segment.i
    // A device that is faster than nominal comes ever earlier, down to a step after the newest: before that the segment ends.
    if (lateMs <= segment.i / 2 && lateMs >= (stepMs - segment.i) / 2) return true
    const isSqueezed = count === 1 && lateMs < 0
    if (isSqueezed) segment.i = atMs - segment.t
    return isSqueezed
  }

  function start(atMs: number): Segment {
    const segment = { t: Math.max(onGrid(atMs), onGrid(endMs) + stepMs), i: intervalMs, v: [] }
    done.push(segment)
    return segment
  }

  const onGrid = (ms: number) => Math.round(ms / stepMs) * stepMs

  return {
    stepMs,
    add(atMs, value) {
      if (!open || !fits(open, atMs)) open = start(atMs)
      open.v.push(value)
      endMs = open.t + (open.v.length - 1) * open.i
    },
    take() {
      const taken = done
      done = []
      open = undefined
      return taken
    },
    endMs: () => endMs,
    reset() {
      open = undefined
      endMs = Number.NEGATIVE_INFINITY
    },
  }
}
