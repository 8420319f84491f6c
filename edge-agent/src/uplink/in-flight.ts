/**
 * The entries that were sent in this run and have no receipt yet. Each is *in flight* or *waiting* to be sent again.
 *
 *   sent ──► in flight ──receipt──► gone
 *              │  ▲
 *   time-out,  ▼  │ sent again, at or after `notBeforeMs`
 *   cut      waiting ──receipt──► gone
 *
 * The wait doubles with each sending of that entry. A cut connection makes all wait for the next one only, and a host that
 * takes no backlog makes the backlog wait for its credit only.
 */
import { inRanges, type Ranges } from '@millrace/contract'
import { backOffMs } from '@millrace/platform'
import type { Entry, Lane } from '../outbox/index.ts'
import type { UplinkOptions } from './options.ts'

export interface Sending {
  lane: Lane
  /** On the wire. */
  bytes: number
  /** Monotonic. */
  sentMs: number
}

/** An entry with its last sending. */
export interface SentEntry extends Sending {
  entry: Entry
  isInFlight: boolean
  sends: number
  /** Monotonic time of the first sending by this run: of what is sent again nobody knows which sending a receipt is of. */
  sentSinceMs: number
  /** Rises with every sending of any entry. */
  order: number
  /** It is in flight no longer than that; the room is for others. */
  timeOutAtMs: number
  /** It is not sent again before that. */
  notBeforeMs: number
  /** Receipts of others that were sent after this. */
  passedBy: number
  /** Connections that ended while it was in flight. */
  cuts: number
  /** Sendings alone that failed. */
  trials: number
  /** Sendings that the host was not ready for: they say nothing about the entry. */
  held: number
}

export interface Load {
  count: number
  bytes: number
}

const passedByMin = 20
const cutsMax = 3

export class InFlight {
  /** In flight now, and how much of it is backlog. */
  readonly load: { all: Load; backlog: Load } = { all: { count: 0, bytes: 0 }, backlog: { count: 0, bytes: 0 } }
  private readonly options: UplinkOptions
  private readonly random: () => number
  private readonly entries = new Map<Entry, SentEntry>()
  private order = 0
  private roundTripMs = 0

  constructor(options: UplinkOptions, random: () => number) {
    this.options = options
    this.random = random
  }

  /** In flight or waiting. */
  all(): IterableIterator<SentEntry> {
    return this.entries.values()
  }

  has(sent: SentEntry): boolean {
    return this.entries.get(sent.entry) === sent
  }

  sent(entry: Entry, sending: Sending): SentEntry {
    const sent = this.waiting(entry)
    if (sent.sends === 0) sent.sentSinceMs = sending.sentMs
    Object.assign(sent, sending)
    sent.sends++
    sent.order = ++this.order
    sent.isInFlight = true
    sent.timeOutAtMs = sending.sentMs + this.timeOutMs()
    sent.notBeforeMs = sending.sentMs + this.pauseMs(sent.sends - sent.held)
    this.count(sent, 1)
    return sent
  }

  /** It could not be sent after all. */
  postpone(entry: Entry, notBeforeMs: number): void {
    this.waiting(entry).notBeforeMs = notBeforeMs
  }

  receipted(got: Map<string, Ranges>, nowMs: number): SentEntry[] {
    const done: SentEntry[] = []
    for (const sent of this.all()) {
      const ranges = got.get(sent.entry.stream)
      if (sent.sends > 0 && ranges && inRanges(ranges, sent.entry.number)) done.push(sent)
    }
    let newest = 0
    for (const sent of done) {
      // Of an entry sent twice nobody knows which sending was receipted.
      if (sent.sends === 1) this.roundTripMs += (nowMs - sent.sentMs - this.roundTripMs) / 8
      newest = Math.max(newest, sent.order)
      this.forget(sent.entry)
    }
    for (const sent of this.all()) if (sent.sends > 0 && sent.order < newest) sent.passedBy += done.length
    return done
  }

  forget(entry: Entry): void {
    const sent = this.entries.get(entry)
    if (!sent) return
    this.wait(sent)
    this.entries.delete(entry)
  }

  /** Moves those without a receipt in time to waiting. */
  expire(nowMs: number): void {
    for (const sent of this.all()) if (nowMs >= sent.timeOutAtMs) this.wait(sent)
  }

  /** The connection ended. */
  cut(nowMs: number): void {
    for (const sent of this.all()) {
      if (sent.isInFlight) sent.cuts++
      this.wait(sent)
      sent.notBeforeMs = nowMs
    }
  }

  /** The host takes no backlog now, and drops what arrives of it: what is in flight waits for the credit, and for nothing else. */
  hold(nowMs: number): void {
    for (const sent of this.all()) {
      if (!sent.isInFlight || sent.lane !== 'backlog') continue
      this.wait(sent)
      sent.held++
      sent.notBeforeMs = nowMs
    }
  }

  /** Lets all that wait go at once. */
  hasten(nowMs: number): void {
    for (const sent of this.all()) if (!sent.isInFlight) sent.notBeforeMs = Math.min(sent.notBeforeMs, nowMs)
  }

  /** Waiting and due, oldest entry first. */
  due(nowMs: number): SentEntry[] {
    return [...this.all()]
      .filter(({ isInFlight, notBeforeMs }) => !isInFlight && notBeforeMs <= nowMs)
      .sort((a, b) => a.entry.id - b.entry.id)
  }

  /** It was sent often, or cut off often, while others got their receipts: it may be what the host cannot take. */
  isSuspect(sent: SentEntry): boolean {
    return sent.cuts >= cutsMax || (isPassedBy(sent) && sent.sends - sent.held >= this.options.poisonSends)
  }

  private waiting(entry: Entry): SentEntry {
    const sent = this.entries.get(entry) ?? newEntry(entry)
    this.wait(sent)
    this.entries.set(entry, sent)
    return sent
  }

  private wait(sent: SentEntry): void {
    if (!sent.isInFlight) return
    sent.isInFlight = false
    this.count(sent, -1)
  }

  private count({ lane, bytes }: SentEntry, sign: number): void {
    const { all, backlog } = this.load
    all.count += sign
    all.bytes += sign * bytes
    if (lane !== 'backlog') return
    backlog.count += sign
    backlog.bytes += sign * bytes
  }

  /** On a slow link a receipt may well take longer than the configured time. */
  private timeOutMs(): number {
    return Math.min(this.options.resendMsMax, Math.max(this.options.resendMs, 3 * this.roundTripMs))
  }

  private pauseMs(sends: number): number {
    return backOffMs(sends, this.timeOutMs(), this.options.resendMsMax) * (1 + 0.2 * this.random())
  }
}

export function isPassedBy({ passedBy }: SentEntry): boolean {
  return passedBy >= passedByMin
}

function newEntry(entry: Entry): SentEntry {
  return {
    entry,
    isInFlight: false,
    lane: 'backlog',
    bytes: 0,
    sends: 0,
    order: 0,
    sentMs: 0,
    sentSinceMs: 0,
    timeOutAtMs: 0,
    notBeforeMs: 0,
    passedBy: 0,
    cuts: 0,
    trials: 0,
    held: 0,
  }
}
