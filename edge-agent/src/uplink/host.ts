/** What the agent knows of its host application: whether it is there, what it takes, and what its clock says. */
import type { Receipt } from '@millrace/contract'
import type { HostState } from '@millrace/contract/sparkplug'
import type { Flight } from './flights.ts'

/** Backlog in flight before a receipt has told the credit. */
const firstCreditBytes = 64 * 1024

export interface Host {
  /** Said to be offline by its newest STATE. With receipts that only pauses sending. */
  readonly isOffline: boolean
  readonly creditBytes: number
  /** Processor's clock less ours, from the exchange with the shortest round trip; undefined before the first. */
  readonly clockOffsetMs: number | undefined
  /** Monotonic time of the last receipt. */
  readonly receiptMs: number
  /** True when the state is news. Old ones count for nothing. */
  state(state: HostState): boolean
  /** True when the receipt is of another log than the one before: that one knows none of our declarations. */
  receipt(receipt: Receipt, newest: Flight | undefined, nowMs: number, nowWallMs: number): boolean
}

export function createHost(): Host {
  let last: HostState | undefined
  let log: string | undefined
  let creditBytes = firstCreditBytes
  let best: { roundTripMs: number; offsetMs: number; atMs: number } | undefined
  let receiptMs = Number.NEGATIVE_INFINITY
  return {
    get isOffline() {
      return last?.online === false
    },
    get creditBytes() {
      return creditBytes
    },
    get clockOffsetMs() {
      return best?.offsetMs
    },
    get receiptMs() {
      return receiptMs
    },
    state(state) {
      if (last && state.timestamp < last.timestamp) return false
      const isNews = last?.online !== state.online
      last = state
      return isNews
    },
    receipt(receipt, newest, nowMs, nowWallMs) {
      receiptMs = nowMs
      creditBytes = receipt.credit
      if (newest && receipt.receivedMs > 0) measure(receipt, newest, nowMs, nowWallMs)
      const isOther = log !== undefined && log !== receipt.log
      log = receipt.log
      return isOther
    },
  }

  /** As NTP does it: four times, two of each clock. The best exchange of the last ten minutes counts. */
  function measure(
    { receivedMs, sentMs }: Receipt,
    { sentMs: sentMonotonic, sentWallMs }: Flight,
    nowMs: number,
    nowWallMs: number,
  ): void {
    const roundTripMs = Math.max(0, nowMs - sentMonotonic - (sentMs - receivedMs))
    const offsetMs = (receivedMs - sentWallMs + (sentMs - nowWallMs)) / 2
    if (!best || roundTripMs <= best.roundTripMs || nowMs - best.atMs > 600_000) best = { roundTripMs, offsetMs, atMs: nowMs }
  }
}
