/** The sinks. Adding one is one line here; see sink.ts. */
import { z } from 'zod'
import { type Plugin, schemasOf } from '../kinds/index.ts'
import { archive } from './archive/plugin.ts'
import { kafka } from './kafka/plugin.ts'
import { openSearchSchema } from './opensearch/config.ts'
import { opensearch } from './opensearch/plugin.ts'
import type { Sink } from './sink.ts'

export { openOpenSearch } from './opensearch/opensearch.ts'
export { setUpOpenSearch } from './opensearch/setup.ts'
export { createPosition } from './position.ts'
export * from './sink.ts'
export { openSearchSchema }

export const sinks = [opensearch, kafka, archive] as const
export const sinkSchema = z.discriminatedUnion('kind', schemasOf(sinks))

/** The key `documents` is older than the others: one sink, with a stage and a name of its own. */
export const documentsSchema = openSearchSchema

export type SinkPlugin = Plugin<Sink>
