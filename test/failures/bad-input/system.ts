/**
 * The whole length as real processes: ten simulated devices, agent, broker, processor. Beside the healthy gateway the broker
 * knows a hostile node, a node that is early (for the replay) and a plain device.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addUser } from '@millrace/broker/broker'
import { freePort } from '@millrace/platform/testing/free-port'
import { agentDevices, parseScenario } from '@millrace/simulators'
import { type Api, openApi } from 'millrace'
import { stringify } from 'yaml'
import type { Program } from '../../support/program.ts'
import { type RealProcess, realProcess } from '../../support/real-process.ts'

export const group = 'ward'
export const node = 'gateway-1'
export const passwords = {
  gateway: 'secret-of-gateway',
  host: 'secret-of-host',
  evil: 'secret-of-evil',
  early: 'secret-of-early',
  plain: 'secret-of-plain',
}

export interface System {
  api: Api
  ports: { mqtt: number; web: number; metrics: number }
  manifest: string
  healthy: string[]
  processes: Record<'broker' | 'processor' | 'agent' | 'simulator', RealProcess>
  /** Those that ended though nobody stopped them. */
  deaths: string[]
  /** Stops the processor and starts it with this `prepare` configuration. */
  restartProcessor(prepare: unknown): Promise<void>
}

const scenario = {
  name: 'bad-input',
  distinct: true,
  devices: [
    { kind: 'contec-cms50', name: 'oximeter', count: 7 },
    { kind: 'openbci-cyton', name: 'amplifier' },
    { kind: 'nmea-0183', name: 'gps', count: 2 },
  ],
}
/** What the bridge takes of plain devices. */
const plainFilters = ['plain/#', 'beds/#', 'rooms/#', 'halls/#']

export async function startSystem({ dir, atEnd, say }: Program, prepare: unknown): Promise<System> {
  for (const folder of ['ports', 'logs', 'agent', 'processor']) mkdirSync(join(dir, folder))
  const file = (name: string, content: unknown) => {
    writeFileSync(join(dir, name), stringify(content), { mode: 0o600 })
    return join(dir, name)
  }
  const ports = { mqtt: await freePort(), web: await freePort(), metrics: await freePort() }
  const url = `mqtt://127.0.0.1:${ports.mqtt}`
  const users = await writeUsers(join(dir, 'users'))
  const manifest = join(dir, 'manifest.jsonl')
  const deaths: string[] = []
  const start = async (name: string, specifier: string, args: string[], readyWhen: RegExp) => {
    const script = fileURLToPath(import.meta.resolve(specifier))
    const onUnexpectedEnd = (how: string) => {
      deaths.push(`${name}: ${how}`)
      say(`${name} ended by itself: ${how}`)
    }
    const logFile = join(dir, `logs/${name}.log`)
    const options = ['--max-semi-space-size=2']
    const child = realProcess({
      name,
      command: process.execPath,
      args: [...options, script, ...args],
      readyWhen,
      logFile,
      onUnexpectedEnd,
    })
    await child.start()
    atEnd(() => child.stop())
    return child
  }
  const run = (path: string) => ['run', '--config', path]
  const processorConfig = (wanted: unknown) =>
    file('processor.yaml', {
      dataDir: join(dir, 'processor'),
      bridge: { url, username: 'host', password: passwords.host, host: 'millrace', plain: plainFilters },
      prepare: wanted,
      web: { port: ports.web },
    })

  const simulated = file('scenario.yaml', scenario)
  const simulator = await start(
    'simulator',
    '@millrace/simulators/main',
    ['run', simulated, '--ports', join(dir, 'ports'), '--manifest', manifest],
    /"ready"/,
  )
  const broker = await start(
    'broker',
    '@millrace/broker/main',
    run(file('broker.yaml', { listen: { port: ports.mqtt }, users, metrics: { port: ports.metrics } })),
    /"listening"/,
  )
  const processor = await start('processor', '@millrace/cloud-processor/main', run(processorConfig(prepare)), /"processor ready"/)
  const devices = agentDevices(parseScenario(scenario), join(dir, 'ports'))
  const agentConfig = file('agent.yaml', {
    group,
    node,
    host: 'millrace',
    dataDir: join(dir, 'agent'),
    uplink: { url, username: 'gateway', password: passwords.gateway, reconnectMsMax: 2000 },
    devices,
  })
  const agent = await start('agent', '@millrace/edge-agent/main', run(agentConfig), /"agent ready"/)
  return {
    api: openApi(`http://127.0.0.1:${ports.web}/`),
    ports,
    manifest,
    healthy: devices.map(({ id }) => id),
    processes: { broker, processor, agent, simulator },
    deaths,
    async restartProcessor(wanted) {
      await processor.stop()
      processorConfig(wanted)
      await processor.start()
    },
  }
}

async function writeUsers(path: string): Promise<string> {
  await addUser(path, { name: 'gateway', password: passwords.gateway, role: 'node', args: [`${group}/${node}`] })
  await addUser(path, { name: 'host', password: passwords.host, role: 'host', args: ['millrace', ...plainFilters] })
  await addUser(path, { name: 'evil', password: passwords.evil, role: 'node', args: [`${group}/evil`] })
  await addUser(path, { name: 'early', password: passwords.early, role: 'node', args: [`${group}/early`] })
  await addUser(path, {
    name: 'plain',
    password: passwords.plain,
    role: 'device',
    args: plainFilters.map((filter) => filter.slice(0, -2)),
  })
  return path
}
