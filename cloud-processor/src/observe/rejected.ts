/** Counts what is rejected while this process runs: by reason, and where it was found. */
import type { RejectedRecord } from '@millrace/contract'
import type { Metrics } from '@millrace/platform'
import type { LogRecord } from '../log/index.ts'

export function createRejectedCount(metrics: Metrics): (records: LogRecord[]) => void {
  const messages = metrics.counter('millrace_rejected_total', 'Messages and frames rejected, by reason')
  const readings = metrics.counter('millrace_rejected_readings_total', 'Scalar readings in them that were rejected, by reason')
  return (records) => {
    for (const { value } of records) {
      const { reason, at, lost } = readHead(value)
      messages.add({ at, reason })
      readings.add({ at, reason }, lost[0])
    }
  }
}

/** The message's own bytes are the last member and may be large: they are left out. No text before holds a bare quote. */
function readHead(value: Uint8Array): Omit<RejectedRecord, 'bytesBase64'> {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
  const end = bytes.lastIndexOf(',"bytesBase64":"')
  return JSON.parse(end < 0 ? bytes.toString() : `${bytes.toString('utf8', 0, end)}}`)
}
