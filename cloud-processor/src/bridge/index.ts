export { appendControl, type Bridge, type BridgeStatus, startBridge, type Transport } from './bridge.ts'
export { type BridgeConfig, bridgeSchema } from './config.ts'
export { connectTransport } from './mqtt.ts'
export { createRebirths, type Rebirths } from './rebirth.ts'
