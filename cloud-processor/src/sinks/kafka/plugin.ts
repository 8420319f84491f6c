import type { Plugin } from '../../kinds/index.ts'
import type { Sink } from '../sink.ts'
import { kafkaSinkSchema } from './config.ts'
import { openKafkaSink } from './kafka.ts'
import { setUpKafkaSink } from './setup.ts'

export const kafka: Plugin<Sink, typeof kafkaSinkSchema> = {
  kind: 'kafka',
  schema: kafkaSinkSchema,
  open: (config, context) => openKafkaSink(config, context),
  setUp: (config, _context, say) => setUpKafkaSink(config, say),
}
