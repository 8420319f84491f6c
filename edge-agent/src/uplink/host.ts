/** What the agent knows of its host application: whether it is there, what it takes, and what its clock says. */
import type { Receipt } from '@millrace/contract'
import type { HostState } from '@millrace/contract/sparkplug'

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
  /** Our clock less the monotonic one, at the last receipt. */
  private wallMs = 0
  private readonly onOffset: ((atMs: number, offsetMs: number, uncertaintyMs: number) => void) | undefined

  /** @param onOffset is told of each exchange that says best what the processor's clock is. */
  constructor(sendsReceipts: boolean, onOffset?: Host['onOffset']) {
    this.sendsReceipts = sendsReceipts
    this.onOffset = onOffset
  }

  /** Said to be offline by its newest STATE. With receipts that only pauses sending. */
  get isOffline(): boolean {
    return this.last?.online === false
  }

  /** Processor's clock less ours at the last receipt, from the exchange that says it best; undefined before the first. */
  get clockOffsetMs(): number | undefined {
    return this.best && this.best.offsetMs - this.wallMs
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

  /**
   * True when the receipt is of another log than the one before: that one knows none of our declarations.
   * @param sentMs since when what was receipted last may have been on its way; undefined when nobody knows
   */
  receipt(receipt: Receipt, sentMs: number | undefined, nowMs: number, nowWallMs: number): boolean {
    this.receiptMs = nowMs
    if (this.last && this.isOffline && nowMs - this.offlineMs >= doubtMs - askMs) this.last = { ...this.last, online: true }
    this.creditBytes = receipt.credit
    this.wallMs = nowWallMs - nowMs
    if (sentMs !== undefined && receipt.receivedMs > 0) this.measure(receipt, sentMs, nowMs)
    const isOther = this.log !== undefined && this.log !== receipt.log
    this.log = receipt.log
    return isOther
  }

  /**
   * As NTP does it: four times, two of each clock, of which ours is the monotonic one, which nobody sets. The exchange with the
   * least uncertainty counts, until the processor's clock was set since.
   */
  private measure({ receivedMs, sentMs: repliedMs }: Receipt, sentMs: number, nowMs: number): void {
    const roundTripMs = nowMs - sentMs - (repliedMs - receivedMs)
    const { best } = this
    // The receipt was of another sending.
    if (roundTripMs < -1) return
    const uncertainty = best && uncertaintyMs(best, nowMs)
    const exchange = {
      roundTripMs: Math.abs(roundTripMs),
      offsetMs: (receivedMs - sentMs + (repliedMs - nowMs)) / 2,
      atMs: nowMs,
    }
    const isBetter = uncertainty === undefined || exchange.roundTripMs / 2 <= uncertainty
    if (!isBetter && Math.abs(exchange.offsetMs - best!.offsetMs) <= uncertainty + exchange.roundTripMs / 2) return
    this.best = exchange
    this.onOffset?.(nowMs, exchange.offsetMs, exchange.roundTripMs / 2)
  }
}

interface Exchange {
  roundTripMs: number
  /** Processor's clock less our monotonic one. */
  offsetMs: number
  /** Monotonic. */
  atMs: number
}

/** Two crystals of 50 ppm. */
const driftPerMs = 1e-4

function uncertaintyMs({ roundTripMs, atMs }: Exchange, nowMs: number): number {
  return roundTripMs / 2 + (nowMs - atMs) * driftPerMs
}
