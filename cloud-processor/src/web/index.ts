export { type WebConfig, webConfig } from './config.ts'
export { createStatus } from './status.ts'
export { createWeb, type Web, type WebOptions } from './web.ts'
export type * from './wire.ts'
