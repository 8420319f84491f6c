/**
 * Records of a topic, from its start to where its end is when the reading begins: through the processor's API, or, where
 * several share a log on Kafka, from Kafka itself by the rule that is published for every reader. It goes through a partition in
 * order and ignores a record whose source is not above the mark of its source partition.
 */
import { type Log, type LogRecord, openKafkaLog } from '@millrace/cloud-processor/log'
import { type Marks, pass } from '@millrace/cloud-processor/stage'
import { decodeJson, decodeRaw, type Source, topics } from '@millrace/contract'
import { createMetrics, silentLog } from '@millrace/platform'
import type { Api } from 'millrace'
import type { SharedEngines } from '../engines.ts'
import type { Installation } from '../installation.ts'

export type TopicName = keyof typeof topics

export interface Entry {
  partition: number
  offset: number
  key: string
  timeMs: number
  source?: Source
  record: Record<string, unknown>
}

export interface LogView {
  read(topic: TopicName): AsyncGenerator<Entry>
  /** Records that were there and ignored, by topic. */
  repeats: Partial<Record<TopicName, number>>
  /** Where it is read from Kafka itself. */
  log?: Log
  close(): Promise<void>
}

export async function openLogView({ api, shared }: Pick<Installation, 'api' | 'shared'>): Promise<LogView> {
  if (!shared) return { read: (topic) => readThroughApi(api, topic), repeats: {}, close: async () => {} }
  const log = await openLog(shared)
  const repeats: LogView['repeats'] = {}
  return {
    async *read(topic) {
      for await (const { value, ...entry } of readByRule(log, topic, repeats)) yield { ...entry, record: decode(topic, value) }
    },
    repeats,
    log,
    close: () => log.close(),
  }
}

/** As a reader of its own, which is not a member. */
export function openLog({ kafka, partitions }: SharedEngines): Promise<Log> {
  const options = { brokers: [kafka.address], partitions, replicas: 1, clientId: 'chaos-observer' }
  return openKafkaLog(options, { log: silentLog, metrics: createMetrics() })
}

async function* readThroughApi(api: Api, topic: TopicName): AsyncGenerator<Entry> {
  let from = 0
  let end: number | undefined
  for (;;) {
    const page = await api.log(topic, 0, from)
    end ??= page.end
    for (const entry of page.records as Omit<Entry, 'partition'>[]) {
      if (entry.offset >= end) return
      yield { partition: 0, ...entry }
      from = entry.offset + 1
    }
    if (page.records.length === 0) return
  }
}

const page = { records: 1000, bytes: 8 << 20 }

/** Partition by partition. */
export async function* readByRule(
  log: Log,
  topic: TopicName,
  repeats: LogView['repeats'] = {},
): AsyncGenerator<LogRecord & { partition: number }> {
  for (let partition = 0; partition < log.partitions; partition++) {
    const marks: Marks = {}
    const { start, end } = await log.bounds(topics[topic], partition)
    for (let from = start; from < end; ) {
      const records = await log.read(topics[topic], partition, from, page)
      if (records.length === 0) break
      from = records.at(-1)!.offset + 1
      for (const record of records) {
        if (record.offset >= end) break
        if (topic === 'raw' || pass(marks, record.source)) yield { partition, ...record }
        else repeats[topic] = (repeats[topic] ?? 0) + 1
      }
    }
  }
}

function decode(topic: TopicName, value: Uint8Array): Record<string, unknown> {
  if (topic !== 'raw') return decodeJson(value) as unknown as Record<string, unknown>
  const raw = decodeRaw(value)
  if (raw.k !== 'message') return { ...raw }
  const { payload, ...rest } = raw
  return { ...rest, payloadBase64: Buffer.from(payload).toString('base64') }
}
