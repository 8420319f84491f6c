/**
 * A timeline of what a store holds, in the order of event time: as if everything had come at once and in time. Nothing in it is late, no
 * orders of people, no births and deaths are in it: what a store does not hold. Each second the readings up to it, then its tick.
 */
import type { AbsenceReason, Channel, Column, TimelineRecord, Value } from '@millrace/contract'

/** One channel of a device between two times, unscaled. */
export interface StoredSeries {
  device: string
  subject: string
  channel: Channel
  t: number[]
  v: Value[]
  q?: number[]
  gaps: { fromMs: number; toMs?: number; reason: AbsenceReason }[]
}

const secondMs = 1000

export function* inEventOrder(series: StoredSeries[], fromMs: number, toMs: number): Generator<TimelineRecord> {
  yield { f: 1, k: 'tick', atMs: fromMs }
  for (const [device, all] of Map.groupBy(series, ({ device }) => device)) {
    const { subject } = all[0]!
    yield { f: 1, k: 'declaration', subject, device, node: '', channels: all.map(({ channel }) => channel) }
  }
  const cursors = series.map((one) => ({ one, next: 0, nextGap: 0 }))
  for (let atMs = fromMs + secondMs; atMs - secondMs < toMs; atMs += secondMs) {
    for (const cursor of cursors) yield* upTo(cursor, atMs)
    yield { f: 1, k: 'tick', atMs }
  }
}

interface Cursor {
  one: StoredSeries
  next: number
  nextGap: number
}

function* upTo(cursor: Cursor, atMs: number): Generator<TimelineRecord> {
  const { device, subject, channel, gaps, t, v, q } = cursor.one
  const about = { f: 1 as const, subject, device }
  while (cursor.nextGap < gaps.length && gaps[cursor.nextGap]!.fromMs <= atMs)
    yield { ...about, k: 'gap', channel: channel.name, ...gaps[cursor.nextGap++]! }
  const from = cursor.next
  while (cursor.next < t.length && t[cursor.next]! <= atMs) cursor.next++
  if (cursor.next === from) return
  const column: Column = { t: t.slice(from, cursor.next), v: v.slice(from, cursor.next) }
  if (q) column.q = q.slice(from, cursor.next)
  yield { ...about, k: 'readings', hist: false, receivedMs: atMs, channels: { [channel.name]: column }, waves: {} }
}
