/** Counts what is rejected while this process runs: by reason, and where it was found. */
import { decodeJson, type RejectedRecord } from '@millrace/contract'
import type { Metrics } from '@millrace/contract/service'
import type { LogRecord } from './log/index.ts'

export function createRejectedCount(metrics: Metrics): (records: LogRecord[]) => void {
  const messages = metrics.counter('millrace_rejected_total', 'Messages and frames rejected, by reason')
  const readings = metrics.counter('millrace_rejected_readings_total', 'Scalar readings in them that were rejected, by reason')
  return (records) => {
    for (const { value } of records) {
      const { reason, at, lost } = decodeJson<RejectedRecord>(value)
      messages.add({ at, reason })
      readings.add({ at, reason }, lost[0])
    }
  }
}
