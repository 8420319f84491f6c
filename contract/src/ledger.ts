/**
 * The ledger: at a cut, read = stored + filtered + rejected + evicted + collapsed + expired, exactly, for each
 * device of each stream.
 *
 * The agent's counts are cumulative over its stream and are committed in the same transaction as the batch that they count.
 * A ledger record `{through: n}` says: after everything up to number n of that stream, the counts were these.
 */

import type { Tally } from './records/fields.ts'
import type { EdgeCounts } from './records/ledger.ts'

/** Stream under which readings of derived channels are counted: they are computed, and nothing was read for them. */
export const derivedStream = 'derived'
/** What plain devices and foreign nodes send: it is counted where it is received. */
export const directStream = 'bridge'

/** One bad frame, or one sequence of bytes that is not a frame. */
export interface BadFrame {
  atMs: number
  reason: string
  /** At most 256 bytes, hex; `bytes` says how many there were. */
  hex: string
  bytes: number
}

export function addTally(to: Tally, from: Tally, sign = 1): void {
  to[0] += sign * from[0]
  to[1] += sign * from[1]
}

export function emptyEdgeCounts(): EdgeCounts {
  return { read: [0, 0], filtered: [0, 0], rejected: [0, 0], evicted: [0, 0], frames: [0, 0] }
}
