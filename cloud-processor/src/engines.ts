/** The log and the stores that the configuration names. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock, type Log as Lines, type Metrics, MillraceError } from '@millrace/platform'
import type { ProcessorConfig } from './config.ts'
import { type Log, openEmbeddedLog, openKafkaLog } from './log/index.ts'
import {
  type DocumentStore,
  openEmbeddedStore,
  openInfluxStore,
  openOpenSearch,
  type Store,
  setUpInfluxStore,
  setUpOpenSearch,
} from './stores/index.ts'

interface EngineAround {
  clock: Clock
  lines: Lines
  metrics: Metrics
}

/** @throws MillraceError STAGES_LEFT_OUT, and what the log throws. */
export function openLog({ log, dataDir, stages }: ProcessorConfig, { lines, metrics, clock }: EngineAround): Promise<Log> {
  if (log.kind === 'kafka') return openKafkaLog(withoutKind(log), { log: lines, metrics, clock })
  const leftOut = (['bridge', 'prepare', 'rules'] as const).filter((stage) => !stages.includes(stage))
  if (leftOut.length > 0) throw new MillraceError('STAGES_LEFT_OUT', { stages: leftOut.join(', ') })
  return openEmbeddedLog({ ...withoutKind(log), path: join(dataDir, 'log.sqlite') }, { log: lines, metrics })
}

export function openStore({ store, dataDir }: ProcessorConfig, { lines, metrics, clock }: EngineAround): Promise<Store> {
  const around = { log: lines, metrics, clock }
  if (store.kind === 'influxdb') return openInfluxStore(store, around)
  return openEmbeddedStore({ ...withoutKind(store), path: join(dataDir, 'store.sqlite') }, around)
}

/** Undefined when the configuration names none. */
export async function openDocuments(
  { documents }: ProcessorConfig,
  { lines, metrics, clock }: EngineAround,
): Promise<DocumentStore | undefined> {
  return documents && openOpenSearch(documents, { log: lines, metrics, clock })
}

/** Makes in the engines what the processor writes into: buckets, retention, roll-ups, templates. What is there stays. */
export async function setUp(config: ProcessorConfig, around: EngineAround, say: (text: string) => void): Promise<void> {
  const { log, store, documents } = config
  if (log.kind === 'kafka') {
    const opened = await openLog(config, around)
    say(`log: topics on Kafka with ${opened.partitions} partitions each, log id ${opened.id}`)
    await opened.close()
  } else say('log: the embedded one needs no setup')
  if (store.kind === 'influxdb') for (const line of await setUpInfluxStore(store)) say(`store: ${line}`)
  else say('store: the embedded one needs no setup')
  if (documents) {
    await setUpOpenSearch(documents, { log: around.lines, clock: around.clock })
    say(`documents: templates ${documents.indexPrefix}* on ${documents.nodes.join(', ')}`)
  }
}

/** Size of the log on this machine's disk; 0 when it is elsewhere. */
export function logBytes({ dataDir }: ProcessorConfig): number {
  return statSync(join(dataDir, 'log.sqlite'), { throwIfNoEntry: false })?.size ?? 0
}

function withoutKind<T extends { kind?: string | undefined }>({ kind: _, ...rest }: T): Omit<T, 'kind'> {
  return rest
}
