/** What one transaction starts from: the current stream, and the work that waits. */
import { addTally, type EdgeCounts, emptyEdgeCounts } from '@millrace/contract'
import type { Stretches } from '../stretches.ts'
import type { Content } from './content.ts'
import type { Entry, EntryKind } from './entry.ts'
import type { PendingGap } from './gap.ts'
import type { OpenStream } from './records.ts'

/** The current stream, as it is on the disk. */
export interface Run {
  stream: string
  last: number
  nextId: number
  counts: Map<string, EdgeCounts>
  /** Number of each device's last data entry. */
  before: Map<string, number>
  /** Time of each device's last reading, epoch ms, over all streams. */
  lastMs: Map<string, number>
  /** Where each device's readings have their times, over all streams. */
  given: Map<string, Stretches>
  gap: PendingGap
  /** Earlier streams whose closing ledger record is still to be written. */
  open: OpenStream[]
  /** Counts changed since the last ledger record. */
  uncounted: boolean
}

/** A batch that is encoded and has no number yet. */
export interface Prepared {
  device: string
  declaration: string
  content: Content
  payload: Uint8Array
  count: number
  samples: number
  first: number
  last: number
  createdMs: number
  /** First and last time of its readings. */
  given?: [fromMs: number, toMs: number]
}

/** Batches of one device that had to leave memory before the disk took them. */
export interface Dropped {
  device: string
  batches: number
  count: number
  samples: number
  first: number
  last: number
}

/** Batches that wait for the disk. */
export interface Waiting {
  dropped: Dropped[]
  batches: Prepared[]
  /** Increments for what `dropped` and `batches` hold, and what was filtered or rejected with them. */
  counts: Map<string, EdgeCounts>
}

export interface Work extends Waiting {
  freed: Entry[]
  aside: Entry[]
  /** To be removed and named in the gap, by somebody's decision. */
  evict: Entry[]
  /** Ids that a recovered file has and the outbox does not know: removed without a word. */
  strangers: number[]
  small: Map<string, string | undefined>
  /** JSON of alarm records. */
  alarms: string[]
  /** Gap and closing ledger records to be put again, after their file was lost. */
  again: { kind: Exclude<EntryKind, 'data'>; text: string; guard: Entry['guard'] }[]
  issueGap: boolean
  /** False keeps the counts for later. */
  ledger: boolean
  /** The stream's last transaction. */
  closing: boolean
}

/** Adds the increments of a device; counts that others hold are not changed. */
export function addCounts(counts: Map<string, EdgeCounts>, device: string, more: EdgeCounts): void {
  const sum = emptyEdgeCounts()
  const known = counts.get(device)
  for (const key of ['read', 'filtered', 'rejected', 'evicted', 'frames'] as const) {
    if (known) addTally(sum[key], known[key])
    addTally(sum[key], more[key])
  }
  counts.set(device, sum)
}
