/**
 * The whole of Millrace as real processes, ready to be broken:
 *
 *   simulator ─ pseudo-terminals ─► two agents ─ a link each ─► broker ─► processor ─► webhook receiver
 *                                     └ pipe ─► observer          └ receipts ─► observer
 *
 * or with several processors on Kafka, and VictoriaMetrics as their store. Simulator, links, webhook receiver and observer are
 * never killed.
 */
import { randomBytes } from 'node:crypto'
import { freePort } from '@millrace/platform/testing/free-port'
import { type AgentDevice, agentDevices, type Link, loadScenario, openLink, scenarioPath } from '@millrace/simulators'
import { type Api, openApi } from 'millrace'
import { isAlive } from '../../support/process-facts.ts'
import type { RealProcess } from '../../support/real-process.ts'
import { openWebhookReceiver, type WebhookReceiver } from '../../support/webhook-receiver.ts'
import { type BrokerKind, makeBroker, needBroker } from './brokers.ts'
import type { Bug } from './bugs.ts'
import { deadSensors } from './dead-sensors.ts'
import { type SharedEngines, type StoreKind, startSharedEngines, type Victim } from './engines.ts'
import { makeProcessors, type Processor } from './processors.ts'
import { openWorkshop } from './workshop.ts'

export interface Agent extends RealProcess {
  devices: string[]
  dataDir: string
  link: Link
}

export interface Account {
  username: string
  password: string
}

export interface Installation {
  dir: string
  simulator: RealProcess
  agents: Agent[]
  broker: RealProcess
  /** The first one serves the page. */
  processors: Processor[]
  /** One more, which joins and leaves; only where they share a log. */
  visitor?: Processor
  shared?: SharedEngines
  webhook: WebhookReceiver
  api: Api
  manifest: string
  devices: { device: string; kind: string }[]
  brokerPort: number
  /** Of a host that only listens. */
  watcher: Account
  /** Of plain devices. */
  sensors: Account
  /** Removes what the broker keeps on disk; it is not running. */
  wipeBroker(): void
  /** All that must be up in a quiet window. */
  victims: Victim[]
  /** Ends all processes, and says how each ended. */
  stop(): Promise<{ name: string; how: string; isGone: boolean }[]>
}

/** What the installation hears from its processes. */
export interface Ear {
  agentLine(agent: string, line: string): void
  processorLine(processor: string, line: string): void
  simulatorLine(line: string): void
  observed(agent: string, line: string): void
  unexpectedEnd(name: string, how: string): void
}

export interface InstallationOptions {
  broker: BrokerKind
  seed: number
  bug?: Bug | undefined
  /** Absent: one processor with the embedded log and store. */
  shared?: { store: StoreKind; processors: number } | undefined
  atEnd(end: () => unknown): void
  say(text: string): void
}

const group = 'ward'
const host = 'millrace'
const gateways = ['gateway-1', 'gateway-2'] as const

export async function startInstallation(dir: string, options: InstallationOptions, ear: Ear): Promise<Installation> {
  await needBroker(options.broker)
  const workshop = openWorkshop(dir, options.bug, { atEnd: options.atEnd, unexpectedEnd: ear.unexpectedEnd })
  const { path, write, node, start } = workshop
  for (const part of ['ports', 'logs', 'broker', ...gateways]) workshop.makeFolder(part)
  const engines = options.shared && (await startSharedEngines(dir, options.shared.store, options))
  const secret = () => randomBytes(18).toString('base64url')
  const passwords = { 'gateway-1': secret(), 'gateway-2': secret(), processor: secret(), watcher: secret(), sensors: secret() }
  const brokerPort = await freePort()
  const webPort = await freePort()
  const webhook = await openWebhookReceiver()
  options.atEnd(() => webhook.close())

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

  const users = [
    ...gateways.map((name) => ({ name, role: 'node' as const, args: [`${group}/${name}`] })),
    { name: 'processor', role: 'host' as const, args: [host, deadSensors.filter] },
    { name: 'watcher', role: 'host' as const, args: ['watcher'] },
    deadSensors.account,
  ].map((user) => ({ ...user, password: passwords[user.name as 'processor'] }))
  const { broker, wipe } = await makeBroker(options.broker, brokerPort, users, workshop)
  const { processors, visitor } = makeProcessors(workshop, {
    bridge: { url: `mqtt://127.0.0.1:${brokerPort}`, username: 'processor', password: passwords.processor, host },
    webPort,
    webhookUrl: webhook.url,
    onLine: ear.processorLine,
    ...(engines ? { shared: { engines, processors: options.shared!.processors } } : {}),
  })

  await Promise.all([simulator, broker, ...processors].map((one) => one.start()))
  const devices = await simulated.promise
  const all = agentDevices(loadScenario(scenario), path('ports')).map((device) => {
    const { address } = devices.find((one) => one.device === device.id)!
    return address.kind === 'tcp' ? { ...device, bus: address } : device
  })
  const agents = await Promise.all(
    gateways.map(async (name, index): Promise<Agent> => {
      const own = all.filter((_, k) => k % 2 === index)
      const link = await openLink({ host: '127.0.0.1', port: brokerPort })
      options.atEnd(() => link.close())
      const config = write(`${name}.yaml`, {
        group,
        node: name,
        host,
        dataDir: path(name),
        uplink: { url: `mqtt://127.0.0.1:${link.port}`, username: name, password: passwords[name], reconnectMsMax: 1000 },
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
    processors,
    ...(visitor ? { visitor } : {}),
    ...(engines ? { shared: engines } : {}),
    webhook,
    api: openApi(`http://127.0.0.1:${webPort}/`),
    manifest,
    devices: devices.map(({ device, kind }) => ({ device, kind })),
    brokerPort,
    watcher: { username: 'watcher', password: passwords.watcher },
    sensors: { username: deadSensors.account.name, password: passwords.sensors },
    wipeBroker: wipe,
    victims: [...agents, broker, ...processors, ...(engines ? enginesOf(engines) : [])],
    async stop() {
      const ends: Awaited<ReturnType<Installation['stop']>> = []
      for (const each of [...agents, ...processors, broker]) {
        const pid = each.pid()
        const how = await each.stop()
        ends.push({ name: each.name, how, isGone: pid !== undefined && !isAlive(pid) })
      }
      for (const engine of engines ? enginesOf(engines) : []) {
        const pid = engine.pid()
        await engine.stop()
        ends.push({ name: engine.name, how: 'code 0', isGone: pid !== undefined && !isAlive(pid) })
      }
      return ends
    },
  }
}

function enginesOf({ kafka, store }: SharedEngines) {
  return [kafka, ...(store ? [store] : [])]
}
