/**
 * What waits for one receiver, in memory and in the order of sending: the urgent first, then what has been due longest. It is
 * derived from the outbox file, and nothing of it is written.
 *
 *     fresh    not tried yet
 *     failed   tried, and due again        paused   tried, and due later
 *     held     too old to be sent before the processor has caught up
 *     ends     of alarms whose beginning is not decided yet, by alarm
 */
import { createHeap } from './heap.ts'

export interface Entry {
  seq: number
  alarm: string
  isEnd: boolean
  /** 0 is the most urgent. */
  urgency: number
  attempts: number
  /** It failed while the receiver took others. */
  isRetry: boolean
  /** When the alarm changed. Wall clock. */
  atMs: number
  /** When it may be sent. Monotonic. */
  dueMs: number
}

export type Waiting = ReturnType<typeof createWaiting>

export function createWaiting() {
  const fresh = createHeap(isBefore)
  const failed = createHeap(isBefore)
  const paused = createHeap<Entry>((a, b) => a.dueMs < b.dueMs)
  const held: Entry[] = []
  const ends = new Map<string, Entry>()
  const add = (entry: Entry) => (entry.isRetry ? paused : fresh).push(entry)

  return {
    add,
    hold: (entry: Entry) => void held.push(entry),
    holdEnd: (entry: Entry) => void ends.set(entry.alarm, entry),

    /** Takes the next one out. Without `mayRetry` it is one that was not tried yet. */
    next(nowMs: number, mayRetry: boolean): Entry | undefined {
      while (paused.size() > 0 && paused.peek()!.dueMs <= nowMs) failed.push(paused.pop()!)
      if (!mayRetry || failed.size() === 0) return fresh.pop()
      const isFresh = fresh.size() > 0 && isBefore(fresh.peek()!, failed.peek()!)
      return (isFresh ? fresh : failed).pop()
    },

    /** The processor has caught up: what was held can be decided. */
    releaseHeld(): void {
      for (const entry of held.splice(0)) add(entry)
    },

    /** The beginning of this alarm is decided. */
    releaseEnd(alarm: string): void {
      const end = ends.get(alarm)
      ends.delete(alarm)
      if (end) add(end)
    },

    /** The receiver answers again: what failed while it was down is as good as fresh. */
    retryAll(nowMs: number): void {
      for (const entry of [...paused.drain(), ...failed.drain()]) fresh.push({ ...entry, isRetry: false, dueMs: nowMs })
    },

    hasHeld: () => held.length > 0,
    hasFresh: () => fresh.size() > 0,
    hasReady: () => fresh.size() + failed.size() > 0,
    /** When the next one that was tried is due again. */
    pausedUntilMs: () => paused.peek()?.dueMs ?? Number.POSITIVE_INFINITY,
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  if (a.urgency !== b.urgency) return a.urgency < b.urgency
  return a.dueMs === b.dueMs ? a.seq < b.seq : a.dueMs < b.dueMs
}
