/** `setup`: makes in the engines what the processor writes into. */
import type { ProcessorConfig } from '../config.ts'
import { type Plugin, pluginFor } from '../kinds/index.ts'
import { logs } from '../log/index.ts'
import { setUpOpenSearch, stores } from '../stores/index.ts'
import type { EngineContext } from './open.ts'

/** Makes buckets, retention, roll-ups, templates. What is there stays. */
export async function setUp(config: ProcessorConfig, context: EngineContext, say: (text: string) => void): Promise<void> {
  const { dataDir, log, store, documents } = config
  const engines: [name: string, plugin: Plugin<unknown>, own: Record<string, unknown>][] = [
    ['log', pluginFor<Plugin<unknown>>(logs, log), log],
    ['store', pluginFor<Plugin<unknown>>(stores, store), store],
  ]
  for (const [name, plugin, own] of engines) {
    if (plugin.setUp) await plugin.setUp(own, { ...context, dataDir }, (text) => say(`${name}: ${text}`))
    else say(`${name}: the ${plugin.kind} one needs no setup`)
  }
  if (documents) {
    await setUpOpenSearch(documents, { log: context.logger, clock: context.clock })
    say(`documents: templates ${documents.indexPrefix}* on ${documents.nodes.join(', ')}`)
  }
}
