/** Opens what the configuration names: the log, the stores, the broker, and the files of this process. */
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock, type Log as Logger, type Metrics, MillraceError } from '@millrace/platform'
import { connectTransport } from '../bridge/index.ts'
import type { ProcessorConfig } from '../config.ts'
import { type Log, openEmbeddedLog, openKafkaLog } from '../log/index.ts'
import type { ProcessorContext } from '../roles/context.ts'
import type { AnnouncedRules } from '../rules/index.ts'
import { openEmbeddedStore, openInfluxStore, openOpenSearch, type Store } from '../stores/index.ts'

export interface EngineContext {
  clock: Clock
  logger: Logger
  metrics: Metrics
}

/** @throws MillraceError STAGES_LEFT_OUT, and what the log and the stores throw. */
export async function openEngines(config: ProcessorConfig, context: EngineContext): Promise<ProcessorContext> {
  const { name, dataDir, stages } = config
  const { clock, logger, metrics } = context
  mkdirSync(dataDir, { recursive: true })
  const log = await openLog(config, context)
  const isStoreNeeded = stages.includes('store') || stages.includes('web')
  const documents = stages.includes('documents') ? config.documents : undefined
  return {
    ...context,
    id: `${name}-${randomUUID().slice(0, 8)}`,
    log,
    store: isStoreNeeded ? await openStore(config, context) : undefined,
    documents: documents && (await openOpenSearch(documents, { log: logger, metrics, clock })),
    connect: (instance) => connectTransport(config.bridge, { clock, logger, ...(instance === undefined ? {} : { instance }) }),
    outboxPath: join(dataDir, 'notifier.sqlite'),
    announced: announcedIn(join(dataDir, 'rules.sha256')),
    logBytes: () => statSync(join(dataDir, 'log.sqlite'), { throwIfNoEntry: false })?.size ?? 0,
  }
}

export function openLog({ log, dataDir, stages }: ProcessorConfig, { logger, metrics, clock }: EngineContext): Promise<Log> {
  if (log.kind === 'kafka') return openKafkaLog(withoutKind(log), { log: logger, metrics, clock })
  const leftOut = (['bridge', 'prepare', 'rules'] as const).filter((stage) => !stages.includes(stage))
  if (leftOut.length > 0) throw new MillraceError('STAGES_LEFT_OUT', { stages: leftOut.join(', ') })
  return openEmbeddedLog({ ...withoutKind(log), path: join(dataDir, 'log.sqlite') }, { log: logger, metrics })
}

function openStore({ store, dataDir }: ProcessorConfig, { logger, metrics, clock }: EngineContext): Promise<Store> {
  const context = { log: logger, metrics, clock }
  if (store.kind === 'influxdb') return openInfluxStore(store, context)
  return openEmbeddedStore({ ...withoutKind(store), path: join(dataDir, 'store.sqlite') }, context)
}

function announcedIn(path: string): AnnouncedRules {
  return {
    load: () => (existsSync(path) ? readFileSync(path, 'utf8') : undefined),
    save: (hash) => writeFileSync(path, hash),
  }
}

function withoutKind<T extends { kind?: string | undefined }>({ kind: _, ...rest }: T): Omit<T, 'kind'> {
  return rest
}
