/** Packs log records for the writer: one buffer and one table of numbers, so that the caller pays a copy and no more. */
import type { LogRecord } from '../../log/log.ts'
import { columnsPerRecord, type Records } from './protocol.ts'

export function packRecords(partition: number, records: LogRecord[]): { packed: Records; transfer: ArrayBuffer[] } {
  let bytes = 0
  for (const { value } of records) bytes += value.length
  const values = Buffer.allocUnsafeSlow(bytes)
  const columns = new Float64Array(records.length * columnsPerRecord)
  const sourceLogs: string[] = []
  let end = 0
  let at = 0
  for (const { offset, value, source } of records) {
    values.set(value, end)
    end += value.length
    columns[at] = end
    columns[at + 1] = offset
    columns[at + 5] = -1
    if (source) {
      columns[at + 2] = source.partition
      columns[at + 3] = source.offset
      columns[at + 4] = source.index
      let log = sourceLogs.indexOf(source.log)
      if (log < 0) log = sourceLogs.push(source.log) - 1
      columns[at + 5] = log
    }
    at += columnsPerRecord
  }
  return { packed: { partition, values, columns, sourceLogs }, transfer: [values.buffer as ArrayBuffer, columns.buffer] }
}
