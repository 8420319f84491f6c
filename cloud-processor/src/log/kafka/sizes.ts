/** About how large the data topics are: measured now and then, and what this process appended since. */
import { type Clock, every } from '@millrace/platform'
import { type At, keyOf } from './client.ts'
import type { Measured, PartitionTrimmer } from './trim.ts'

/** What this process appends is counted at once; this is for the rest. */
const updateMs = 15_000

export type Sizes = ReturnType<typeof createSizes>

export function createSizes(partitions: At[], trimmer: PartitionTrimmer) {
  let measured: Measured[] = []
  /** Bytes of a record, by partition. */
  const each = new Map<string, number>()
  let bytes = 0
  let grown = 0
  let stop = () => {}

  /** With samples of the records. */
  async function measure(): Promise<void> {
    const before = grown
    const bounds = await trimmer.bounds(partitions)
    measured = await Promise.all(partitions.map((at, k) => trimmer.measure(at, bounds[k]!)))
    for (const one of measured) each.set(keyOf(one), one.end > one.start ? one.bytes / (one.end - one.start) : 0)
    bytes = measured.reduce((sum, one) => sum + one.bytes, 0)
    grown -= before
  }

  /** From the bounds alone, which other processes move too. */
  async function update(): Promise<void> {
    const before = grown
    const bounds = await trimmer.bounds(partitions)
    const isUnknown = bounds.some(({ start, end }, k) => end > start && !each.get(keyOf(partitions[k]!)))
    if (isUnknown) return measure()
    bytes = bounds.reduce((sum, { start, end }, k) => sum + (end - start) * (each.get(keyOf(partitions[k]!)) ?? 0), 0)
    grown -= before
  }

  return {
    /** Keeps them up to date until `stop`; resolves when they are known for the first time. */
    watch(clock: Clock, onError: (error: unknown) => void): Promise<void> {
      stop = every(clock, updateMs, () => void update().catch(onError))
      return update().catch(onError)
    },
    stop: () => stop(),
    measure,
    grew(at: At & { records: unknown[] }, wireBytes: number): void {
      grown += wireBytes
      if (!each.get(keyOf(at))) each.set(keyOf(at), wireBytes / at.records.length)
    },
    bytes: () => bytes + grown,
    all: () => measured,
  }
}
