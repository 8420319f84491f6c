/** The logs. Adding one is one line here; see log.ts. */
import { z } from 'zod'
import { schemasOf } from '../kinds/index.ts'
import { embedded } from './embedded/plugin.ts'
import { kafka } from './kafka/plugin.ts'

export { type EmbeddedLogConfig, type EmbeddedLogOptions, embeddedLogSchema } from './embedded/config.ts'
export { openEmbeddedLog } from './embedded/embedded.ts'
export type { Heartbeats } from './heartbeats.ts'
export { type KafkaLogConfig, type KafkaLogOptions, kafkaLogSchema } from './kafka/config.ts'
export { openKafkaLog } from './kafka/kafka.ts'
export * from './log.ts'
export { partitionOf } from './partition-of.ts'

/** The first is the default. */
export const logs = [embedded, kafka] as const
export const logSchema = z.discriminatedUnion('kind', schemasOf(logs))
/** As a person writes it: every key may be left out. */
export type LogOptions = z.input<typeof logSchema>
