/** `setup`: makes in the engines what the processor writes into. */
import type { ProcessorConfig } from '../config.ts'
import { setUpInfluxStore, setUpOpenSearch } from '../stores/index.ts'
import { type EngineContext, openLog } from './open.ts'

/** Makes buckets, retention, roll-ups, templates. What is there stays. */
export async function setUp(config: ProcessorConfig, context: EngineContext, say: (text: string) => void): Promise<void> {
  const { log, store, documents } = config
  if (log.kind === 'kafka') {
    const opened = await openLog(config, context)
    say(`log: topics on Kafka with ${opened.partitions} partitions each, log id ${opened.id}`)
    await opened.close()
  } else say('log: the embedded one needs no setup')
  if (store.kind === 'influxdb') for (const line of await setUpInfluxStore(store)) say(`store: ${line}`)
  else say('store: the embedded one needs no setup')
  if (documents) {
    await setUpOpenSearch(documents, { log: context.logger, clock: context.clock })
    say(`documents: templates ${documents.indexPrefix}* on ${documents.nodes.join(', ')}`)
  }
}
