/**
 * The whole of Millrace as real processes, ready to be broken:
 *
 *   simulator ─ pseudo-terminals ─► two agents ─ a link each ─► broker ─► processor ─► webhook receiver
 *                                     └ pipe ─► observer          └ receipts ─► observer
 *
 * Simulator, links, webhook receiver and observer are never killed.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addUser } from '@millrace/broker/broker'
import { renderMosquitto } from '@millrace/broker/mosquitto'
import { type AgentDevice, agentDevices, type Link, loadScenario, openLink, scenarioPath } from '@millrace/simulators'
import { type Api, openApi } from 'millrace'
import { stringify } from 'yaml'
import { freePort } from '../../support/free-port.ts'
import { isAlive } from '../../support/process-facts.ts'
import { CannotRun } from '../../support/program.ts'
import { type ProcessSpec, type RealProcess, realProcess } from '../../support/real-process.ts'
import { openWebhookReceiver, type WebhookReceiver } from '../../support/webhook-receiver.ts'
import { type Bug, plant } from './bugs.ts'

export type BrokerKind = 'millrace' | 'mosquitto'

export interface Agent extends RealProcess {
  devices: string[]
  dataDir: string
  link: Link
}

export interface Installation {
  dir: string
  simulator: RealProcess
  agents: Agent[]
  broker: RealProcess
  processor: RealProcess
  webhook: WebhookReceiver
  api: Api
  manifest: string
  devices: { device: string; kind: string }[]
  brokerPort: number
  /** Of a host that only listens. */
  watcher: { username: string; password: string }
  /** Removes what the broker keeps on disk; it is not running. */
  wipeBroker(): void
  /** Ends all processes, and says how each ended. */
  stop(): Promise<{ name: string; how: string; isGone: boolean }[]>
}

/** What the installation hears from its processes. */
export interface Ear {
  agentLine(agent: string, line: string): void
  processorLine(line: string): void
  simulatorLine(line: string): void
  observed(agent: string, line: string): void
  unexpectedEnd(name: string, how: string): void
}

const group = 'ward'
const host = 'millrace'
const script = (specifier: string) => fileURLToPath(import.meta.resolve(specifier))
const mosquitto = '/usr/sbin/mosquitto'

/** Desaturations that are ordered, and absences that faults bring. */
const rules = {
  rules: [
    {
      name: 'spo2-low',
      channel: 'spo2',
      condition: 'below',
      set: 88,
      clear: 90,
      delayOnMs: 2000,
      delayOffMs: 2000,
      priority: 'high',
    },
    { name: 'no-spo2', channel: 'spo2', condition: 'absent', afterMs: 3000, priority: 'low' },
  ],
}

export async function startInstallation(
  dir: string,
  options: { broker: BrokerKind; seed: number; bug?: Bug; atEnd(end: () => unknown): void },
  ear: Ear,
): Promise<Installation> {
  if (options.broker === 'mosquitto' && !existsSync(mosquitto))
    throw new CannotRun(`${mosquitto} is missing; get it with: apt-get install mosquitto`)
  for (const part of ['ports', 'logs', 'broker', 'gateway-1', 'gateway-2', 'processor']) mkdirSync(join(dir, part))
  const path = (name: string) => join(dir, name)
  const secret = () => randomBytes(18).toString('base64url')
  const passwords = { 'gateway-1': secret(), 'gateway-2': secret(), processor: secret(), watcher: secret() }
  const brokerPort = await freePort()
  const webPort = await freePort()
  const webhook = await openWebhookReceiver()
  options.atEnd(() => webhook.close())
  const start = (name: string, spec: Omit<ProcessSpec, 'name' | 'logFile' | 'onUnexpectedEnd'>) => {
    const onUnexpectedEnd = (how: string) => ear.unexpectedEnd(name, how)
    const one = realProcess({ name, logFile: path(`logs/${name}.log`), onUnexpectedEnd, ...spec })
    options.atEnd(() => one.stop())
    return one
  }
  const write = (name: string, config: object) => {
    writeFileSync(path(name), stringify(config), { mode: 0o600 })
    return path(name)
  }
  const node = (specifier: string, args: string[], ready: RegExp) => ({
    command: process.execPath,
    args: [...plant(specifier, options.bug), script(specifier), ...args],
    readyWhen: ready,
  })

  const manifest = path('manifest.jsonl')
  const scenario = scenarioPath('chaos')
  const simulated = Promise.withResolvers<{ device: string; kind: string; address: AgentDevice['bus'] }[]>()
  const simulator = start('simulator', {
    ...node(
      '@millrace/simulators/main',
      ['run', scenario, '--ports', path('ports'), '--manifest', manifest, '--control', '--seed', `${options.seed}`],
      /"ready"/,
    ),
    onLine(line) {
      if (line.startsWith('{"k":"ready"')) simulated.resolve(JSON.parse(line).devices)
      ear.simulatorLine(line)
    },
  })

  const { broker, wipe } = await makeBroker()
  const processorConfig = write('processor.yaml', {
    dataDir: path('processor'),
    bridge: { url: `mqtt://127.0.0.1:${brokerPort}`, username: 'processor', password: passwords.processor, host },
    web: { port: webPort },
    rules,
    notifier: { to: [{ kind: 'webhook', url: webhook.url }] },
  })
  const processor = start('processor', {
    ...node('@millrace/cloud-processor/main', ['run', '--config', processorConfig], /"processor ready"/),
    onLine: ear.processorLine,
  })

  await Promise.all([simulator.start(), broker.start(), processor.start()])
  const devices = await simulated.promise
  const all = agentDevices(loadScenario(scenario), path('ports')).map((device) => {
    const { address } = devices.find((one) => one.device === device.id)!
    return address.kind === 'tcp' ? { ...device, bus: address } : device
  })
  const agents = await Promise.all(
    ['gateway-1', 'gateway-2'].map(async (name, index): Promise<Agent> => {
      const own = all.filter((_, k) => k % 2 === index)
      const link = await openLink({ host: '127.0.0.1', port: brokerPort })
      options.atEnd(() => link.close())
      const password = passwords[name as 'gateway-1']
      const config = write(`${name}.yaml`, {
        group,
        node: name,
        host,
        dataDir: path(name),
        uplink: { url: `mqtt://127.0.0.1:${link.port}`, username: name, password, reconnectMsMax: 1000 },
        devices: own,
        observe: { fd: 3 },
      })
      const agent = start(name, {
        ...node('@millrace/edge-agent/main', ['run', '--config', config], /"agent ready"/),
        onLine: (line) => ear.agentLine(name, line),
        onObserved: (line) => ear.observed(name, line),
      })
      return Object.assign(agent, { devices: own.map(({ id }) => id), dataDir: path(name), link })
    }),
  )
  await Promise.all(agents.map((agent) => agent.start()))

  return {
    dir,
    simulator,
    agents,
    broker,
    processor,
    webhook,
    api: openApi(`http://127.0.0.1:${webPort}/`),
    manifest,
    devices: devices.map(({ device, kind }) => ({ device, kind })),
    brokerPort,
    watcher: { username: 'watcher', password: passwords.watcher },
    wipeBroker: wipe,
    async stop() {
      const ends: Awaited<ReturnType<Installation['stop']>> = []
      for (const each of [...agents, processor, broker]) {
        const pid = each.pid()
        const how = await each.stop()
        ends.push({ name: each.name, how, isGone: pid !== undefined && !isAlive(pid) })
      }
      return ends
    },
  }

  async function makeBroker(): Promise<{ broker: RealProcess; wipe(): void }> {
    const users = [
      ...['gateway-1', 'gateway-2'].map((name) => ({ name, role: 'node' as const, args: [`${group}/${name}`] })),
      { name: 'processor', role: 'host' as const, args: [host] },
      { name: 'watcher', role: 'host' as const, args: ['watcher'] },
    ].map((user) => ({ ...user, password: passwords[user.name as 'processor'] }))
    if (options.broker === 'mosquitto') return mosquittoBroker(users)
    const usersFile = path('broker/users')
    for (const user of users) await addUser(usersFile, user)
    const config = write('broker.yaml', { listen: { port: brokerPort }, users: usersFile })
    // It keeps nothing on disk: killed is wiped.
    return { broker: start('broker', node('@millrace/broker/main', ['run', '--config', config], /"listening"/)), wipe() {} }
  }

  async function mosquittoBroker(users: Parameters<typeof renderMosquitto>[0]['users']) {
    const folder = path('broker')
    const { config } = await renderMosquitto({ port: brokerPort, dir: folder, users })
    // With persistence there is something to wipe.
    const kept = ['persistence true', `persistence_location ${folder}/`, 'autosave_interval 1']
    writeFileSync(config, `${readFileSync(config, 'utf8').replace('persistence false', kept.join('\n'))}`)
    const broker = start('broker', { command: mosquitto, args: ['-c', config], readyWhen: /mosquitto version .* running/ })
    return { broker, wipe: () => rmSync(join(folder, 'mosquitto.db'), { force: true }) }
  }
}
