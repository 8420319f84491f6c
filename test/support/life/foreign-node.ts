/** A foreign Sparkplug node: births with values, every datatype, and values that no timeline can hold. */
import { encodeNodeDeath, encodePayload, type Metric } from '@millrace/contract/sparkplug'
import type { Diary } from './diary.ts'

const key = 'plant/f'

export function createForeignNode(diary: Diary): () => void {
  const { random } = diary
  const names = ['small', 'wide', 'float', 'text'] as const
  let bdSeq = 0
  let seq = 0
  let isBorn = false

  /** [tck-id-payloads-sequence-num-incrementing] */
  const say = (topic: string, metrics: Metric[]) => {
    diary.message(key, `spBv1.0/plant/${topic}`, encodePayload({ timestamp: diary.nowMs, seq, metrics }))
    seq = (seq + 1) % 256
  }
  const metricsAt = (t: number): Metric[] => [
    { alias: 1, timestamp: t, datatype: 'UInt8', value: random.below(256) },
    { alias: 2, timestamp: t, datatype: 'UInt64', value: random.below(2 ** 31) * 1000 },
    { alias: 3, timestamp: t, datatype: 'Float', value: random.below(1000) / 8 },
    { alias: 4, timestamp: t, datatype: 'String', value: 'running' },
  ]
  const note = (metrics: Metric[]) => {
    for (const { alias, timestamp, value } of metrics)
      diary.measured({ device: 'press', channel: names[alias! - 1]!, t: timestamp!, value: value as number | string })
  }

  function born(): void {
    isBorn = true
    seq = 0
    const bd: Metric = { name: 'bdSeq', timestamp: diary.nowMs, datatype: 'Int64', value: bdSeq }
    say('NBIRTH/f', [bd])
    const metrics = metricsAt(diary.nowMs - 1)
    note(metrics)
    say(
      'DBIRTH/f/press',
      metrics.map((metric) => ({ ...metric, name: names[metric.alias! - 1]! })),
    )
  }

  /** Not a number, infinite, beyond 2^53, an alias that nobody declared, and a note about an absence. */
  function spoilt(): Metric[] {
    const t = diary.nowMs + 500
    return [
      { alias: 3, timestamp: t, datatype: 'Float', value: Number.NaN },
      { alias: 3, timestamp: t + 1, datatype: 'Float', value: Number.NEGATIVE_INFINITY },
      { alias: 2, timestamp: t, datatype: 'UInt64', value: 2n ** 63n },
      { alias: 99, timestamp: t, datatype: 'Int32', value: 5 },
      {
        name: 'Millrace/Absence',
        timestamp: t,
        datatype: 'String',
        value: JSON.stringify([{ channel: 'small', t, reason: 'searching' }]),
      },
    ]
  }

  return () => {
    if (!isBorn) born()
    const metrics = metricsAt(diary.nowMs)
    note(metrics)
    say('DDATA/f/press', random.next() < 0.2 ? [...metrics, ...spoilt()] : metrics)
    if (random.next() < 0.03) {
      isBorn = false
      diary.message(key, 'spBv1.0/plant/NDEATH/f', encodeNodeDeath(bdSeq++))
    }
  }
}
