/**
 * Work that waits for the disk. Bounded: while the disk takes nothing, the oldest batches leave and are remembered as one
 * line a device, to be numbered and named in the gap with the next write.
 */
import { addTally, type EdgeCounts, emptyEdgeCounts } from '@millrace/contract'
import type { Dropped, Prepared } from './plan.ts'

export interface Waiting {
  dropped: Dropped[]
  batches: Prepared[]
  counts: Map<string, EdgeCounts>
}

export interface MemoryBuffer {
  readonly bytes: number
  readonly isEmpty: boolean
  add(batches: Prepared[], device: string, counts: EdgeCounts): void
  /** All that waits; it leaves the buffer. */
  takeAll(): Waiting
  /** What the disk did not take comes back, before what has come since. */
  putBack(waiting: Waiting): void
  /** Readings dropped so far. */
  readonly droppedReadings: number
}

export function createMemoryBuffer(bytesMax: number): MemoryBuffer {
  let batches: Prepared[] = []
  let counts = new Map<string, EdgeCounts>()
  let dropped = new Map<string, Dropped>()
  let bytes = 0
  let droppedReadings = 0
  return {
    get bytes() {
      return bytes
    },
    get isEmpty() {
      return batches.length === 0 && counts.size === 0 && dropped.size === 0
    },
    get droppedReadings() {
      return droppedReadings
    },
    add(more, device, increments) {
      for (const batch of more) {
        batches.push(batch)
        bytes += batch.payload.length
      }
      addCounts(counts, device, increments)
      trim()
    },
    takeAll() {
      const all = { dropped: [...dropped.values()], batches, counts }
      batches = []
      counts = new Map()
      dropped = new Map()
      bytes = 0
      return all
    },
    putBack(waiting) {
      batches = [...waiting.batches, ...batches]
      for (const { payload } of waiting.batches) bytes += payload.length
      for (const [device, increments] of waiting.counts) addCounts(counts, device, increments)
      for (const line of waiting.dropped) addDropped(line)
      trim()
    },
  }

  function trim(): void {
    let drop = 0
    for (; bytes > bytesMax && drop < batches.length; drop++) {
      const { device, payload, count, samples, first, last } = batches[drop]!
      bytes -= payload.length
      droppedReadings += count
      addDropped({ device, batches: 1, count, samples, first, last })
    }
    if (drop > 0) batches = batches.slice(drop)
  }

  function addDropped(line: Dropped): void {
    const known = dropped.get(line.device)
    if (!known) return void dropped.set(line.device, { ...line })
    known.batches += line.batches
    known.count += line.count
    known.samples += line.samples
    known.first = Math.min(known.first, line.first)
    known.last = Math.max(known.last, line.last)
  }
}

function addCounts(to: Map<string, EdgeCounts>, device: string, more: EdgeCounts): void {
  const sum = to.get(device) ?? emptyEdgeCounts()
  for (const key of ['read', 'filtered', 'rejected', 'evicted', 'frames'] as const) addTally(sum[key], more[key])
  to.set(device, sum)
}
