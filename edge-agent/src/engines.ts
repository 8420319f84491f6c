/** Opens what the configuration names: the outbox's file, the way to the broker, the lines of the devices. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock, Log, Metrics } from '@millrace/platform'
import type { AgentContext } from './agent.ts'
import { type AgentConfig, checkDevices } from './config.ts'
import { createDevice } from './device.ts'
import { observeStorage } from './observe.ts'
import { sqliteStorage } from './outbox/index.ts'
import { connectMqtt } from './uplink/index.ts'

/** @throws MillraceError CONFIG_INVALID */
export function openEngines(config: AgentConfig, context: { clock: Clock; log: Log; metrics: Metrics }): AgentContext {
  checkDevices(config)
  mkdirSync(config.dataDir, { recursive: true })
  const file = sqliteStorage(join(config.dataDir, 'outbox.sqlite'))
  return {
    ...context,
    storage: config.observe ? observeStorage(file, config.observe.fd, context.clock) : file,
    transport: connectMqtt(config.uplink, context),
    devices: (given) => config.devices.map((device) => createDevice(device, { ...context, given: given(device.id) })),
  }
}
