/**
 * Work that waits for the disk. Bounded: while the disk takes nothing, the oldest batches leave and are remembered as one
 * line a device, to be numbered and named in the gap with the next write.
 */
import type { EdgeCounts } from '@millrace/contract'
import { addCounts, type Dropped, type Prepared, type Waiting } from './work.ts'

export class MemoryBuffer {
  bytes = 0
  private readonly bytesMax: number
  private batches: Prepared[] = []
  private counts = new Map<string, EdgeCounts>()
  private dropped = new Map<string, Dropped>()

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  add(batches: Prepared[], device: string, counts: EdgeCounts): void {
    for (const batch of batches) {
      this.batches.push(batch)
      this.bytes += batch.payload.length
    }
    addCounts(this.counts, device, counts)
    this.trim()
  }

  /** All that waits; it leaves the buffer. */
  takeAll(): Waiting {
    const { batches, counts, dropped } = this
    this.batches = []
    this.counts = new Map()
    this.dropped = new Map()
    this.bytes = 0
    return { dropped: [...dropped.values()], batches, counts }
  }

  /** What the disk did not take comes back, before what has come since. */
  putBack({ batches, counts, dropped }: Waiting): void {
    this.batches = [...batches, ...this.batches]
    for (const { payload } of batches) this.bytes += payload.length
    for (const [device, increments] of counts) addCounts(this.counts, device, increments)
    for (const line of dropped) this.drop(line)
    this.trim()
  }

  private trim(): void {
    let count = 0
    while (this.bytes > this.bytesMax && count < this.batches.length) {
      const batch = this.batches[count++]!
      this.bytes -= batch.payload.length
      this.drop({ ...batch, batches: 1 })
    }
    if (count > 0) this.batches = this.batches.slice(count)
  }

  private drop({ device, batches, count, samples, first, last }: Dropped): void {
    const known = this.dropped.get(device)
    if (!known) return void this.dropped.set(device, { device, batches, count, samples, first, last })
    known.batches += batches
    known.count += count
    known.samples += samples
    known.first = Math.min(known.first, first)
    known.last = Math.max(known.last, last)
  }
}
