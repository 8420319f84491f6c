import type { TickRecord } from '@millrace/contract'

/** Partitions may be that far behind each other: a smaller difference is not a clock that was set back. */
const backMs = 3_600_000

/** The time of a store or a sink after a tick: it rises, and follows a clock that was set back. */
export function timeAfter(nowMs: number, { atMs, expireMs = atMs }: TickRecord): number {
  return expireMs > nowMs || expireMs < nowMs - backMs ? expireMs : nowMs
}
