/** What the groups share: one installation with certificates and accounts, started when the first of them asks for it. */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addUser } from '@millrace/broker/broker'
import { People, roles } from '@millrace/cloud-processor/people'
import { makeFolder, systemClock } from '@millrace/platform'
import { freePort } from '@millrace/platform/testing/free-port'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { stringify } from 'yaml'
import { peopleFile } from '../../../cloud-processor/src/people/index.ts'
import { type Gateway, Site } from '../../e2e/certificates/site.ts'
import type { Program } from '../../support/program.ts'
import type { RealProcess } from '../../support/real-process.ts'
import { until } from '../../support/until.ts'
import { type Answer, type Asked, askPage } from './ask.ts'

export const device = 'oximeter-1'
export const password = 'correct horse battery'
/** What the metrics endpoints ask for. */
export const scraper = { name: 'scraper', password: 'scraper-password' }
export const mains = {
  broker: '@millrace/broker/main',
  processor: '@millrace/cloud-processor/main',
  agent: '@millrace/edge-agent/main',
} as const
export type Main = keyof typeof mains
/** `whole` sees everything, `own` the device, `other` does not. */
const scopes = { whole: [], own: ['plain/#'], other: ['gateway-2/#', '+/+/+/bed-9'] } as Record<string, string[]>

export interface Installation {
  site: Site
  processor: RealProcess
  gateway: Gateway
  ports: { web: number; brokerMetrics: number; metrics: number }
  /** The authority, PEM. */
  ca: Buffer
  /** `<role>-<scope>`. */
  accounts: string[]
}

export class Scene {
  readonly test: Program
  readonly seed: number
  #installation: Promise<Installation> | undefined
  #files = 0

  constructor(test: Program, seed: number) {
    this.test = test
    this.seed = seed
  }

  get dir(): string {
    return this.test.dir
  }

  installation(): Promise<Installation> {
    this.#installation ??= install(this.test)
    return this.#installation
  }

  /** Asks the page. */
  async ask(path: string, asked: Asked = {}): Promise<Answer> {
    const { ports, ca } = await this.installation()
    return askPage({ port: ports.web, ca }, path, asked)
  }

  /** The cookie of a new session. */
  async login(name: string, given = password): Promise<string> {
    const { code, headers, body } = await this.ask('/api/login', { body: { name, password: given } })
    const cookie = headers['set-cookie']?.[0]?.split(';')[0]
    if (cookie === undefined) throw new Error(`${name} cannot log in: ${code} ${body}`)
    return cookie
  }

  /** A client of the broker, by password. */
  async connect(username: string, more: IClientOptions = {}, given = password): Promise<MqttClient> {
    const { site, ca } = await this.installation()
    const options = { username, password: given, ca, reconnectPeriod: 0, protocolVersion: 4 as const, ...more }
    const client = await mqtt.connectAsync(`mqtts://127.0.0.1:${site.ports.mqtt}`, options, false)
    return client.on('error', () => {})
  }

  /** A file of its own. */
  file(content: string | object, mode = 0o600): string {
    const path = join(this.dir, `file-${++this.#files}`)
    writeFileSync(path, typeof content === 'string' ? content : stringify(content), { mode })
    return path
  }

  /** What one of our programs says with this configuration, and how it ends; one that goes on is ended when it is ready. */
  say(main: Main, command: 'check' | 'run', config: object | string): Promise<{ code: number | null; said: string }> {
    return runProgram([fileURLToPath(import.meta.resolve(mains[main])), command, '--config', this.file(config)], this.dir)
  }
}

/** It is told to stop when it is ready. */
export function runProgram(args: string[], cwd: string) {
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  const { promise, resolve } = Promise.withResolvers<{ code: number | null; said: string }>()
  let said = ''
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      said += text
      if (/"listening"|"processor ready"|"agent ready"/.test(said)) child.kill('SIGTERM')
    })
  child.once('close', (code) => {
    clearTimeout(timer)
    resolve({ code, said })
  })
  return promise
}

async function install(test: Program): Promise<Installation> {
  const site = new Site(test, [])
  await site.open()
  const ports = { web: await freePort(), brokerMetrics: await freePort(), metrics: await freePort() }
  configure(site, ports, test.dir)
  await addUsers(site)
  const accounts = await makeAccounts(site.path('processor'))
  await Promise.all([site.broker.start(), site.endpoint.start()])
  const processor = site.process(
    'processor',
    [fileURLToPath(import.meta.resolve(mains.processor)), 'run', '--config', site.path('processor.yaml')],
    /"processor ready"/,
  )
  const gateway = site.gateway('bed1')
  await Promise.all([processor.start(), site.token('ward/bed1').then((token) => gateway.setup(token))])
  await gateway.agent.start()
  const ca = readFileSync(site.path('ca/ca.crt'))
  const installation = { site, processor, gateway, ports, ca, accounts }
  await speak(test, installation)
  return installation
}

function configure(site: Site, ports: Installation['ports'], dir: string): void {
  const tls = { certFile: site.path('broker.crt'), keyFile: site.path('broker.key') }
  const passwordFile = join(dir, 'scraper.password')
  writeFileSync(passwordFile, `${scraper.password}\n`, { mode: 0o600 })
  const metrics = (port: number) => ({ port, tls, credential: { name: scraper.name, passwordFile } })
  const host = '127.0.0.1'
  site.change('broker.yaml', {
    listen: { host, port: site.ports.mqtt },
    metrics: metrics(ports.brokerMetrics),
    limits: { clientsPerUser: 40, subscriptionsPerClient: 20, preAuthConnections: 32, connectTimeoutMs: 2000 },
  })
  site.change('ca.yaml', { listen: { host, port: site.ports.ca } })
  site.change('processor.yaml', {
    staticDir: undefined,
    web: { port: ports.web, tls, login: 'required' },
    metrics: metrics(ports.metrics),
    devices: [{ filter: 'plain/+', device: '{1}', channels: [{ name: 'spo2', path: 'spo2', unit: '%' }] }],
    rules: { rules: [{ name: 'spo2-low', channel: 'spo2', condition: 'below', set: 88, clear: 90, priority: 'high' }] },
  })
}

async function addUsers(site: Site): Promise<void> {
  const users = site.path('broker.users')
  const own = readFileSync(site.path('processor.password'), 'utf8').trim()
  await addUser(users, { name: 'processor', password: own, role: 'host', args: ['millrace', 'plain/#'] })
  await addUser(users, { name: 'ward', password, role: 'device', args: ['plain'] })
  await addUser(users, { name: 'admin', password, role: 'admin' })
  await addUser(users, { name: 'hostile', password, role: 'node', args: ['ward/hostile'] })
}

async function makeAccounts(dataDir: string): Promise<string[]> {
  makeFolder(dataDir)
  const people = new People(join(dataDir, peopleFile), systemClock)
  const names = ['admin-whole']
  await people.open(people.firstLink(), { name: 'admin-whole', password })
  for (const role of roles.filter((each) => each !== 'admin'))
    for (const [sees, scope] of Object.entries(scopes)) {
      names.push(`${role}-${sees}`)
      await people.open(people.add({ name: `${role}-${sees}`, role, scope }, { by: 'test' }), { password })
    }
  people.close()
  return names
}

/** A plain device, which is in alarm, until the end. */
async function speak(test: Program, { site, ca, ports }: Installation): Promise<void> {
  const url = `mqtts://127.0.0.1:${site.ports.mqtt}`
  const client = await mqtt.connectAsync(url, { username: 'ward', password, ca, clientId: 'oximeter' })
  client.on('error', () => {})
  const timer = setInterval(() => client.publish(`plain/${device}`, JSON.stringify({ spo2: 84 }), { qos: 1 }), 500)
  test.atEnd(() => {
    clearInterval(timer)
    return client.endAsync(true)
  })
  const auth = `Basic ${Buffer.from(`admin-whole:${password}`).toString('base64')}`
  await until('the device is in alarm', async () => {
    const { body } = await askPage({ port: ports.web, ca }, '/api/alarms', { headers: { authorization: auth } })
    return body.includes(device)
  })
}

/** A folder below the program's own. */
export function folderIn(dir: string, name: string): string {
  const path = join(dir, name)
  mkdirSync(path, { mode: 0o700 })
  return path
}
