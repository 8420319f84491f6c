/** Between the sink and its worker. */
import type { LogRecord } from '../../log/log.ts'
import type { ArchiveSinkConfig } from './config.ts'
import type { Unreadable } from './partition.ts'

export type ToArchive =
  | { k: 'open'; partition: number; log: string; start: number }
  | { k: 'write'; partition: number; records: Packed }

/** Answer to both. */
export interface Written {
  /** The next offset, as of what is published. */
  next: number
  unreadable: Unreadable[]
  state: PartitionState
}

/** For the metrics. */
export interface PartitionState {
  rows: number
  published: [readings: number, samples: number]
  files: number
  bytes: number
  missing: number
  completeToMs: number
}

/** Records in one buffer, so that the caller pays a copy and no more. */
export interface Packed {
  values: Uint8Array<ArrayBuffer>
  /** Of each record: where it ends. */
  ends: number[]
  others: Omit<LogRecord, 'value' | 'key'>[]
}

export interface WorkerConfig extends ArchiveSinkConfig {
  folder: string
}

export function pack(records: LogRecord[]): { packed: Packed; transfer: ArrayBuffer[] } {
  const bytes = records.reduce((sum, { value }) => sum + value.length, 0)
  const values = Buffer.allocUnsafeSlow(bytes)
  const ends: number[] = []
  let end = 0
  for (const { value } of records) {
    values.set(value, end)
    end += value.length
    ends.push(end)
  }
  const others = records.map(({ value: _, key: __, ...other }) => other)
  return { packed: { values, ends, others }, transfer: [values.buffer] }
}

export function unpack({ values, ends, others }: Packed): LogRecord[] {
  return others.map((other, k) => ({ ...other, key: '', value: values.subarray(ends[k - 1] ?? 0, ends[k]) }))
}
