/** Opens what the configuration names: the log, the store, the sinks, the broker, and the files of this process. */
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { every, MillraceError, openDataFolder } from '@millrace/platform'
import { connectTransport } from '../bridge/index.ts'
import { type ProcessorConfig, plainFilters } from '../config.ts'
import { type Plugin, type PluginContext, pluginFor } from '../kinds/index.ts'
import { type Log, type LogPlugin, logs } from '../log/index.ts'
import { takePlace } from '../members/index.ts'
import type { NamedSink, ProcessorContext } from '../roles/context.ts'
import type { AnnouncedRules } from '../rules/index.ts'
import { type Store, stores } from '../stores/index.ts'
import { sinksOf } from './sinks.ts'

export type EngineContext = Omit<PluginContext, 'dataDir'>

/** @throws MillraceError STAGES_LEFT_OUT, and what the engines throw. */
export async function openEngines(config: ProcessorConfig, context: EngineContext): Promise<ProcessorContext> {
  const { name, dataDir, stages } = config
  const { clock, logger } = context
  openDataFolder(dataDir, logger)
  const taken = takePlace(dataDir, logger)
  const own = { ...context, dataDir }
  const log = await openLog(config, own)
  const isStoreNeeded = stages.includes('store') || stages.includes('web')
  return {
    ...context,
    id: `${name}-${randomUUID().slice(0, 8)}`,
    taken,
    log,
    store: isStoreNeeded ? await pluginFor<Plugin<Store>>(stores, config.store).open(config.store, own) : undefined,
    sinks: await openSinks(config, own),
    connect: (instance) =>
      connectTransport(
        { ...config.bridge, plain: plainFilters(config) },
        { clock, logger, ...(instance === undefined ? {} : { instance }) },
      ),
    outboxPath: join(dataDir, 'notifier.sqlite'),
    announced: announcedIn(join(dataDir, 'rules.sha256')),
    logBytes: () => statSync(join(dataDir, 'log.sqlite'), { throwIfNoEntry: false })?.size ?? 0,
  }
}

/** A log that is not shared belongs to one process: nobody else can do what this one leaves out. */
function openLog({ log, stages }: ProcessorConfig, context: PluginContext): Promise<Log> {
  const plugin = pluginFor<LogPlugin>(logs, log)
  const leftOut = (['bridge', 'prepare', 'rules'] as const).filter((stage) => !stages.includes(stage))
  if (!plugin.isShared && leftOut.length > 0) throw new MillraceError('STAGES_LEFT_OUT', { stages: leftOut.join(', ') })
  return whileSaying(plugin.open(log, context), `the log (${log.kind})`, context)
}

const sayEveryMs = 3000

/** A person who waits is told for what. */
function whileSaying<T>(opening: Promise<T>, what: string, { clock, logger }: PluginContext): Promise<T> {
  const stop = every(clock, sayEveryMs, () => logger.info('waiting for an engine that does not answer yet', { engine: what }))
  return opening.finally(stop)
}

function openSinks(config: ProcessorConfig, context: PluginContext): Promise<NamedSink[]> {
  const wanted = sinksOf(config).filter(({ stage }) => config.stages.includes(stage))
  return Promise.all(wanted.map(async ({ name, stage, plugin, own }) => ({ name, stage, sink: await plugin.open(own, context) })))
}

function announcedIn(path: string): AnnouncedRules {
  return {
    load: () => (existsSync(path) ? readFileSync(path, 'utf8') : undefined),
    save: (hash) => writeFileSync(path, hash),
  }
}
