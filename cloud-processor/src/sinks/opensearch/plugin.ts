import type { Plugin } from '../../kinds/index.ts'
import type { Sink } from '../sink.ts'
import { openSearchSchema } from './config.ts'
import { openOpenSearch } from './opensearch.ts'
import { setUpOpenSearch } from './setup.ts'

export const opensearch: Plugin<Sink, typeof openSearchSchema> = {
  kind: 'opensearch',
  schema: openSearchSchema,
  open: (config, { logger, metrics, clock }) => openOpenSearch(config, { log: logger, metrics, clock }),
  async setUp(config, { logger, clock }, say) {
    await setUpOpenSearch(config, { log: logger, clock })
    say(`templates ${config.indexPrefix}* on ${config.nodes.join(', ')}`)
  },
}
