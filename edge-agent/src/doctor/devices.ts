/** Each device is opened as the agent opens it, and listened to; of an agent that runs its own word is taken. */
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs'
import { type Clock, createMetrics, ownValue, silentLog } from '@millrace/platform'
import type { AgentStatus } from '../agent.ts'
import { busPlugins } from '../bus/index.ts'
import type { AgentConfig, DeviceConfig } from '../config.ts'
import { createDevice, type Device } from '../device.ts'
import { type Finding, ok, warning, wrong } from './finding.ts'
import { holdersOf } from './holders.ts'
import { nameOf } from './user.ts'

const listenMs = 3000
const lookMs = 100

export async function checkDevices({ devices }: AgentConfig, running: AgentStatus | undefined, clock: Clock): Promise<Finding[]> {
  if (devices.length === 0)
    return [warning('device', 'no device is configured', 'Add one below devices; millrace-agent setup lists the ports.')]
  return Promise.all(devices.map((device) => (running ? told(device, running, clock) : check(device, clock))))
}

function told({ id, bus }: DeviceConfig, { devices }: AgentStatus, clock: Clock): Finding {
  const state = ownValue(devices, id)
  if (!state)
    return wrong('device', `${id}: the agent that runs does not know it`, 'Restart the agent: it runs on an older configuration.')
  if (!state.isOpen) return explain(id, state.detail)
  const silentS = state.lastBytesMs === 0 ? Number.POSITIVE_INFINITY : (clock.now() - state.lastBytesMs) / 1000
  return silentS * 1000 > listenMs ? silent(id, bus) : ok('device', `${id}: the agent reads it`)
}

async function check(config: DeviceConfig, clock: Clock): Promise<Finding> {
  const port = portOf(config)
  const fault = port === undefined ? undefined : portFault(config.id, port)
  if (fault) return fault
  const device = createDevice(config, { clock, log: silentLog, metrics: createMetrics(), given: [] })
  device.start()
  const read = await listen(device, clock)
  const { isOpen, lastBytesMs, detail } = device.status()
  await device.stop()
  if (read > 0) return ok('device', `${config.id}: ${read} readings and samples`)
  if (isOpen && lastBytesMs === 0) return silent(config.id, config.bus)
  if (isOpen && detail === 'open')
    return warning('device', `${config.id}: bytes come, and no reading yet`, 'Check that its sensor is on and measures.')
  return explain(config.id, detail)
}

/** Returns how much came, as soon as anything did. */
async function listen(device: Device, clock: Clock): Promise<number> {
  let read = 0
  for (let waitedMs = 0; waitedMs < listenMs && read === 0; waitedMs += lookMs) {
    await new Promise<void>((resolve) => clock.after(lookMs, resolve))
    for (const { counts } of device.drain()) read += counts.read[0] + counts.read[1]
  }
  return read
}

const portOf = ({ bus }: DeviceConfig) => (busPlugins[bus.kind]!.hasLink ? (bus.path as string | undefined) : undefined)

function portFault(id: string, path: string): Finding | undefined {
  if (!existsSync(path)) {
    const there = ports()
    return wrong(
      'device',
      `${id}: there is no ${path}`,
      `Plug the device in, or set bus.path to one of: ${there.join(', ') || 'none is there'}.`,
    )
  }
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
  } catch {
    const { gid, mode } = statSync(path)
    const rights = `${id}: ${nameOf()} may not read and write ${path} (group ${gid}, mode ${(mode & 0o777).toString(8)})`
    return wrong(
      'device',
      rights,
      `Add the user to that group: usermod -aG "$(stat -c %G ${path})" ${nameOf()}; then restart the agent.`,
    )
  }
  const holders = holdersOf(path)
  if (holders.length === 0) return undefined
  return wrong(
    'device',
    `${id}: ${path} is held by ${holders.join(', ')}`,
    'Stop that program: two readers of a line each get a part of it.',
  )
}

function explain(id: string, detail: string): Finding {
  return wrong('device', `${id}: ${detail}`, 'Check its cable and power, and bus and decoder in the configuration.')
}

function silent(id: string, { kind }: DeviceConfig['bus']): Finding {
  const remedy =
    'Switch the device on, check its cable and, on a serial line, baudRate; some send only when something is measured.'
  return warning('device', `${id}: its ${kind} line is open, and nothing comes`, remedy)
}

/** Serial ports that are there, by what they are where the system says so. */
export function ports(): string[] {
  const below = (folder: string, pattern: RegExp) =>
    existsSync(folder)
      ? readdirSync(folder)
          .filter((name) => pattern.test(name))
          .map((name) => `${folder}/${name}`)
      : []
  const named = below('/dev/serial/by-id', /./)
  return named.length > 0 ? named : below('/dev', /^tty(USB|ACM|AMA)\d+$/)
}
