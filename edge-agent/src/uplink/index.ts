export { connectMqtt } from './mqtt-transport.ts'
export { type UplinkOptions, uplinkSchema } from './options.ts'
export type { Connection, Transport, TransportEvents } from './transport.ts'
export { createUplink, type Uplink, type UplinkContext, type UplinkStatus } from './uplink.ts'
