/**
 * The ledger: at a cut, read = stored + filtered + rejected + evicted + collapsed + expired, exactly, for each
 * device of each stream.
 *
 * The agent's counts are cumulative over its stream and are committed in the same transaction as the batch that they count.
 * A ledger record `{through: n}` says: after everything up to number n of that stream, the counts were these.
 */
import type { Ranges } from './ranges.ts'

/** Scalar readings and waveform samples are counted apart: `[readings, samples]`. */
export type Tally = [readings: number, samples: number]

/** Cumulative, by one agent, for one device in one stream. read = batched + filtered + rejected. */
export interface EdgeCounts {
  /** Decoded from good frames. */
  read: Tally
  /** Held back by report-by-exception filters. */
  filtered: Tally
  /** Refused at the edge: not a number, or out of the datatype's range. Batches set aside after resends are told by gap records. */
  rejected: Tally
  /** Removed at the outbox's bound, whether or not the cloud had seen them. Informative: the cloud counts from gaps. */
  evicted: Tally
  /** Good and bad frames on the line. */
  frames: [good: number, bad: number]
}

/** NDATA `Millrace/Ledger`. */
export interface LedgerRecord {
  f: 1
  /** The stream counted; an earlier one of this agent when it was closed by a restart. */
  stream: string
  through: number
  devices: Record<string, EdgeCounts>
  /** Lowest number not yet freed, for every stream that the outbox still holds; numbers below are settled for good. */
  floors: Record<string, number>
  /** What the outbox held when the record was made. */
  backlog?: { rows: number; bytes: number }
  /** True on the last record of a stream: nothing will be added to it. */
  closed?: boolean
}

/** NDATA `Millrace/Gap`: numbers of one stream that the outbox will not send (again): removed at its bound, or set aside as poison. */
export interface GapRecord {
  f: 1
  reason: 'evicted' | 'set-aside'
  stream: string
  numbers: Ranges
  /** What they held, by device, in stretches of time; the cloud subtracts what it had already seen. */
  devices: Record<string, { fromMs: number; toMs: number; lost: Tally }[]>
}

/** One bad frame, or one stretch of bytes that is no frame. */
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
