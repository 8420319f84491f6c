/**
 * Joins waveform samples into segments: a start in whole ms, an interval, values. A sample belongs to the segment as long as
 * its time is within half an interval of its place; else it starts the next segment. No sample is lost or moved further.
 *
 * Two samples closer than nominal (a replay faster than real time, see decoders/sample-clock.ts) set the segment's interval,
 * so that a squeezed run is one segment too. Segments do not overlap: a start that rounding would put before the end of the
 * last one goes to the next ms; where samples are milliseconds apart, to the next that the last one does not round to.
 */
import type { Segment } from '@millrace/contract'

export interface Segments {
  add(atMs: number, value: number): void
  /** What was joined since the last call. */
  take(): Segment[]
  /** Time of the newest sample, exact; for noticing a clock that went back. */
  lastMs(): number
  /** Time of the newest sample by the reckoning of its segment, as a reader of the segment will see it. */
  endMs(): number
  /** The clock went back: starts may too. */
  reset(): void
}

/** Stores tell samples apart by the microsecond, rounded. */
const apartMs = 0.002
/** From this interval on a store that tells them apart by the millisecond, rounded, can hold all of them. */
const coarseFromMs = 2

export function createSegments(intervalMs: number): Segments {
  let done: Segment[] = []
  let open: Segment | undefined
  let firstMs = 0
  let lastMs = Number.NEGATIVE_INFINITY
  /** Of the newest sample by the reckoning of its segment. */
  let endMs = Number.NEGATIVE_INFINITY
  /** Interval of the newest segment. */
  let apartBefore = intervalMs

  function fits(segment: Segment, atMs: number): boolean {
    const count = segment.v.length
    if (Math.abs(atMs - firstMs - count * segment.i) <= segment.i / 2) return true
    const isSqueezed = count === 1 && atMs > firstMs && atMs - firstMs < segment.i
    if (isSqueezed) segment.i = atMs - firstMs
    return isSqueezed
  }

  function start(atMs: number): Segment {
    const nearest = Math.round(atMs)
    firstMs = atMs
    const next = apartBefore >= coarseFromMs ? Math.round(endMs) + 1 : Math.ceil(endMs + apartMs)
    const segment = { t: Math.max(nearest, next), i: intervalMs, v: [] }
    done.push(segment)
    return segment
  }

  return {
    add(atMs, value) {
      if (!open || !fits(open, atMs)) open = start(atMs)
      open.v.push(value)
      endMs = open.t + (open.v.length - 1) * open.i
      apartBefore = open.i
      lastMs = atMs
    },
    take() {
      const taken = done
      done = []
      open = undefined
      return taken
    },
    lastMs: () => lastMs,
    endMs: () => endMs,
    reset() {
      open = undefined
      lastMs = endMs = Number.NEGATIVE_INFINITY
    },
  }
}
