/** `setup`: makes in the engines what the processor writes into. */
import type { ProcessorConfig } from '../config.ts'
import { type Plugin, pluginFor } from '../kinds/index.ts'
import { logs } from '../log/index.ts'
import { stores } from '../stores/index.ts'
import type { EngineContext } from './open.ts'
import { sinksOf } from './sinks.ts'

type AnyPlugin = Plugin<unknown>

/** Makes topics, buckets, retention, roll-ups, templates. What is there stays. */
export async function setUp(config: ProcessorConfig, context: EngineContext, say: (text: string) => void): Promise<void> {
  const { dataDir, log, store } = config
  const engines: { key: string; plugin: AnyPlugin; own: Record<string, unknown> }[] = [
    { key: 'log', plugin: pluginFor<AnyPlugin>(logs, log), own: log },
    { key: 'store', plugin: pluginFor<AnyPlugin>(stores, store), own: store },
    ...sinksOf(config),
  ]
  for (const { key, plugin, own } of engines) {
    if (plugin.setUp) await plugin.setUp(own, { ...context, dataDir }, (text) => say(`${key}: ${text}`))
    else say(`${key}: the ${plugin.kind} one needs no setup`)
  }
}
