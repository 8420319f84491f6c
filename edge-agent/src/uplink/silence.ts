/**
 * When nothing was receipted for several time-outs though something is in flight, the host is gone without a STATE; or it is said
 * to be offline, and asked whether that is so (host.ts). Then one entry at a time is a probe, and the first receipt opens the
 * window again.
 */
import type { SendContext } from './context.ts'
import { type Chosen, liveEntries, nextOf, waitingEntries } from './window.ts'

/** Time-outs without any receipt that make a silence, and how often it is probed. */
const silentTimeOuts = 3
const probeMs = 1000

export class Silence {
  private isSilent = false
  private probedMs = Number.NEGATIVE_INFINITY

  /** A receipt came, or the host is back. */
  end(): void {
    this.isSilent = false
    this.probedMs = Number.NEGATIVE_INFINITY
  }

  notice(context: SendContext, nowMs: number): void {
    this.isSilent ||= context.host.isOffline || isUnanswered(context, nowMs)
  }

  /** Undefined when a probe is not called for; otherwise the one entry, or none while it is not time. */
  probe(context: SendContext, nowMs: number): Chosen | undefined {
    const { host, inFlight } = context
    if (!this.isSilent) {
      // A credit of zero comes only in receipts: without live data one entry a second asks for the next.
      const isStarved = host.creditBytes === 0 && inFlight.load.all.count === 0 && nowMs - host.receiptMs > probeMs
      if (!isStarved) return undefined
      const live = liveEntries(context)
      if (live.length > 0) return live
    }
    if (nowMs - this.probedMs < probeMs) return []
    this.probedMs = nowMs
    if (this.isSilent) inFlight.hasten(nowMs)
    return oneEntry(context, nowMs)
  }
}

function isUnanswered({ host, inFlight, options }: SendContext, nowMs: number): boolean {
  if (!options.receipts) return false
  let oldest = Number.POSITIVE_INFINITY
  for (const { sends, sentMs } of inFlight.all()) if (sends > 0) oldest = Math.min(oldest, sentMs)
  return nowMs - Math.max(host.receiptMs, 0, oldest) > silentTimeOuts * options.resendMs
}

function oneEntry(context: SendContext, nowMs: number): Chosen {
  const [newest] = nextOf('live', context, 1)
  if (newest) return [{ entry: newest, lane: 'live' }]
  return waitingEntries(context, nowMs, 1).map((entry) => ({ entry, lane: 'backlog' }))
}
