/**
 * What waits for one receiver, in memory and in the order of sending: the urgent first, of those one of each device in turn, then
 * what has been due longest. So a device that raises alarms without end waits behind the others. It is derived from the outbox
 * file, and nothing of it is written.
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
  /** Of the alarm; absent: one of its own. */
  device?: string
  /** Its place among those as urgent, given when it is added first. */
  turn?: number
  isEnd: boolean
  /** Of several that were in a group. */
  isMessage?: boolean
  isReminder?: boolean
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
  const turns = createTurns()
  const add = (entry: Entry) => {
    turns.give(entry)
    return (entry.isRetry ? paused : fresh).push(entry)
  }

  return {
    add,
    hold: (entry: Entry) => void held.push(entry),
    holdEnd: (entry: Entry) => void ends.set(entry.alarm, entry),

    /** Takes the next one out. Without `mayRetry` it is one that was not tried yet. */
    next(nowMs: number, mayRetry: boolean): Entry | undefined {
      while (paused.size() > 0 && paused.peek()!.dueMs <= nowMs) failed.push(paused.pop()!)
      const isFresh = !mayRetry || failed.size() === 0 || (fresh.size() > 0 && isBefore(fresh.peek()!, failed.peek()!))
      const entry = (isFresh ? fresh : failed).pop()
      if (entry) turns.took(entry)
      return entry
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

/** Fair queuing: a device's next one comes a turn behind its last, and not before the turn that is being sent. */
function createTurns() {
  const devices = new Map<string, { last: number; waiting: number }>()
  const sent = new Map<number, number>()
  const sourceOf = ({ device, alarm, urgency }: Entry) => `${urgency} ${device ?? alarm}`
  return {
    give(entry: Entry): void {
      const source = sourceOf(entry)
      const known = devices.get(source) ?? { last: -1, waiting: 0 }
      entry.turn ??= Math.max(sent.get(entry.urgency) ?? 0, known.last + 1)
      devices.set(source, { last: Math.max(known.last, entry.turn), waiting: known.waiting + 1 })
    },
    took(entry: Entry): void {
      sent.set(entry.urgency, Math.max(sent.get(entry.urgency) ?? 0, entry.turn!))
      const source = sourceOf(entry)
      const known = devices.get(source)!
      if (--known.waiting === 0) devices.delete(source)
    },
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  if (a.urgency !== b.urgency) return a.urgency < b.urgency
  if (a.turn !== b.turn) return a.turn! < b.turn!
  return a.dueMs === b.dueMs ? a.seq < b.seq : a.dueMs < b.dueMs
}
