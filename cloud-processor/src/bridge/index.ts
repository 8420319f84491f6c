export { appendControl, type Bridge, type BridgeStatus, startBridge, type Transport } from './bridge.ts'
export { type BridgeConfig, bridgeSchema } from './config.ts'
export { connectTransport } from './mqtt.ts'
