/** Opens what the configuration names: the outbox's file, the way to the broker, the lines of the devices. */
import { join } from 'node:path'
import { type Clock, createMetrics, type Log, type Metrics, openDataFolder, silentLog, systemClock } from '@millrace/platform'
import type { AgentContext } from './agent.ts'
import { readBoot } from './clock/index.ts'
import { type AgentConfig, checkDevices, healthDevice } from './config.ts'
import { certificateFile } from './credential/index.ts'
import { createDevice, type Device } from './device.ts'
import { createHealth, healthChannels } from './health/health.ts'
import { observeStorage } from './observe.ts'
import { sqliteStorage } from './outbox/index.ts'
import { LocalRules, loadRules, surprises } from './rules/index.ts'
import { connectMqtt } from './uplink/index.ts'

/** All that `run` refuses in the configuration of devices. Gives what may surprise. @throws MillraceError CONFIG_INVALID */
export function checkAgent(config: AgentConfig): string[] {
  checkDevices(config)
  const context = { clock: systemClock, log: silentLog, metrics: createMetrics(), given: [] }
  const devices = config.devices.map((device) => createDevice(device, context))
  const { rules, commitEveryMs } = config
  const health = config.health.everyMs > 0 ? [{ id: healthDevice(config), channels: healthChannels(config) }] : []
  const unlike = rules ? surprises(loadRules(rules, process.env), [...devices, ...health], commitEveryMs) : []
  return [...devices.flatMap(silences), ...unlike]
}

/** An `absent` rule without `afterMs` waits so long. */
const absentMs = 10_000

function silences({ id, channels }: Device): string[] {
  const long = channels.filter(({ silentMsMax = 0 }) => silentMsMax > absentMs)
  return long.map(({ name, silentMsMax }) => {
    const [heartbeatS, alarmS] = [silentMsMax! / 1000, (silentMsMax! + absentMs) / 1000]
    return `devices.${id}.filters.${name}: with a heartbeat of ${heartbeatS} s, an absent rule of 10 s raises after ${alarmS} s of silence`
  })
}

/** @throws MillraceError CONFIG_INVALID */
export function openEngines(config: AgentConfig, context: { clock: Clock; log: Log; metrics: Metrics }): AgentContext {
  checkDevices(config)
  openDataFolder(config.dataDir, context.log)
  const { rules, commitEveryMs } = config
  const atEdge = rules && loadRules(rules, process.env)
  const file = sqliteStorage(join(config.dataDir, 'outbox.sqlite'))
  return {
    ...context,
    storage: config.observe ? observeStorage(file, config.observe.fd, context.clock) : file,
    transport: connectMqtt(config.uplink, { ...context, credentialFile: certificateFile(config) }),
    boot: readBoot(context.clock),
    ...(atEdge
      ? { rules: (given) => new LocalRules({ config: rules, file: atEdge.file, commitEveryMs }, { ...context, ...given }) }
      : {}),
    devices: (given, status, clock) => [
      ...config.devices.map((device) => createDevice(device, { ...context, clock, given: given(device.id) })),
      ...(config.health.everyMs > 0
        ? [createHealth(config, { ...context, clock, given: given(healthDevice(config)), status })]
        : []),
    ],
  }
}
