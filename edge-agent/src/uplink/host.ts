/** What the agent knows of its host application: whether it is there, what it takes, and what its clock says. */
import type { Receipt } from '@millrace/contract'
import type { HostState } from '@millrace/contract/sparkplug'
import type { SentEntry } from './in-flight.ts'

/** Backlog in flight before a receipt has told the credit. */
const firstCreditBytes = 64 * 1024
/**
 * The newest STATE is the one with the highest timestamp, and a host whose clock was ahead may have said with its last one that it
 * is offline: what it says later, by a right clock, counts for nothing. So every `doubtMs` a host that sends receipts is asked
 * for `askMs` whether it is there.
 */
const doubtMs = 10_000
const askMs = 1500

export class Host {
  creditBytes = firstCreditBytes
  /** Monotonic time of the last receipt. */
  receiptMs = Number.NEGATIVE_INFINITY
  private readonly sendsReceipts: boolean
  private last: HostState | undefined
  /** Monotonic time since which it is said to be offline. */
  private offlineMs = Number.NEGATIVE_INFINITY
  private log: string | undefined
  private best: Exchange | undefined

  constructor(sendsReceipts: boolean) {
    this.sendsReceipts = sendsReceipts
  }

  /** Said to be offline by its newest STATE. With receipts that only pauses sending. */
  get isOffline(): boolean {
    return this.last?.online === false
  }

  /** Processor's clock less ours, from the exchange that says it best; undefined before the first. */
  get clockOffsetMs(): number | undefined {
    return this.best?.offsetMs
  }

  /** The offset is right to so many ms either way: the ways there and back may differ, and clocks drift since the exchange. */
  clockUncertaintyMs(nowMs: number): number | undefined {
    return this.best && uncertaintyMs(this.best, nowMs)
  }

  /** Whether nothing is to be sent now. */
  isAway(nowMs: number): boolean {
    return this.isOffline && !this.isAsked(nowMs)
  }

  private isAsked(nowMs: number): boolean {
    return this.sendsReceipts && (nowMs - this.offlineMs) % doubtMs >= doubtMs - askMs
  }

  /** True when the state is news. Old ones count for nothing. */
  state(state: HostState, nowMs: number): boolean {
    if (this.last && state.timestamp < this.last.timestamp) return false
    const isNews = this.last?.online !== state.online
    this.last = state
    if (isNews && !state.online) this.offlineMs = nowMs
    return isNews
  }

  /** True when the receipt is of another log than the one before: that one knows none of our declarations. */
  receipt(receipt: Receipt, newest: SentEntry | undefined, nowMs: number, nowWallMs: number): boolean {
    this.receiptMs = nowMs
    if (this.last && this.isOffline && nowMs - this.offlineMs >= doubtMs - askMs) this.last = { ...this.last, online: true }
    this.creditBytes = receipt.credit
    if (newest && receipt.receivedMs > 0) this.measure(receipt, newest, nowMs, nowWallMs)
    const isOther = this.log !== undefined && this.log !== receipt.log
    this.log = receipt.log
    return isOther
  }

  /** As NTP does it: four times, two of each clock. The exchange with the least uncertainty counts, until a clock was set since. */
  private measure({ receivedMs, sentMs: repliedMs }: Receipt, sent: SentEntry, nowMs: number, nowWallMs: number): void {
    const roundTripMs = Math.max(0, nowMs - sent.sentMs - (repliedMs - receivedMs))
    const offsetMs = (receivedMs - sent.sentWallMs + (repliedMs - nowWallMs)) / 2
    const exchange = { roundTripMs, offsetMs, atMs: nowMs }
    const { best } = this
    const uncertainty = best && uncertaintyMs(best, nowMs)
    if (!best || uncertainty === undefined || roundTripMs / 2 <= uncertainty) this.best = exchange
    else if (Math.abs(offsetMs - best.offsetMs) > uncertainty + roundTripMs / 2) this.best = exchange
  }
}

interface Exchange {
  roundTripMs: number
  offsetMs: number
  /** Monotonic. */
  atMs: number
}

/** Two crystals of 50 ppm. */
const driftPerMs = 1e-4

function uncertaintyMs({ roundTripMs, atMs }: Exchange, nowMs: number): number {
  return roundTripMs / 2 + (nowMs - atMs) * driftPerMs
}
