export { type EmbeddedLogConfig, type EmbeddedLogOptions, embeddedLogSchema } from './embedded/config.ts'
export { openEmbeddedLog } from './embedded/embedded.ts'
export * from './log.ts'
export { partitionOf } from './partition-of.ts'
