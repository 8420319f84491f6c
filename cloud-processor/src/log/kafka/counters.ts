/** The log's counters for the metrics endpoint. */
import type { Metrics } from '@millrace/platform'
import type { KafkaFailure } from './client.ts'

export type Counters = ReturnType<typeof createCounters>

export function createCounters(metrics: Metrics) {
  const failures = metrics.counter('millrace_kafka_failures_total', 'Requests to Kafka that failed, by error')
  return {
    connects: metrics.counter('millrace_kafka_connects_total', 'Connections opened to Kafka'),
    batches: metrics.counter('millrace_kafka_batches_total', 'Batches made durable'),
    produceSeconds: metrics.counter(
      'millrace_kafka_produce_seconds_total',
      'Time from the forming of a batch to its being durable',
    ),
    wireBytes: metrics.counter('millrace_kafka_sent_bytes_total', 'Bytes of batches made durable, as sent'),
    appended: metrics.counter('millrace_log_records_total', 'Records made durable, by topic'),
    countFailure: (failure: KafkaFailure) => failures.add({ error: failure.name }),
  }
}
