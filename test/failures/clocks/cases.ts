/** The clocks: how each is wrong, and what happens to it while the drill runs. */
import { join } from 'node:path'
import mqtt from 'mqtt'
import type { Program } from '../../support/program.ts'
import type { RealProcess } from '../../support/real-process.ts'
import { startsIn } from '../clock-drill/system.ts'
import { type WallClock, wallClock } from '../clock-drill/wall-clock.ts'
import { closedLink, type Installation, password } from './installation.ts'
import { everyTenth, openSource, type Source } from './source.ts'

export interface Case {
  name: string
  /** At the start. */
  wrongMs: number
  /** Of the crystal; 1 is right. */
  rate?: number
  kind?: 'plain' | 'offline'
  run(clock: WallClock, agent: RealProcess, source: Source): Promise<void>
}

export interface Started extends Pick<Case, 'name'> {
  device: string
  source: Omit<Source, 'port'>
  run(): Promise<void>
  isStored(): Promise<boolean>
  /** By how much a stamp of it was wrong that says nothing itself. */
  stampMs: number | undefined
}

const hourMs = 3_600_000
const pause = (seconds: number) => new Promise<void>((resolve) => setTimeout(resolve, seconds * 1000))
/** A gateway without a battery: a minute after its clock began. */
const of1970 = -Date.now() + 60_000

/** What lies in the socket of an agent that stops is not read by anybody. */
const restarted = async (_clock: WallClock, agent: RealProcess, source: Source) => {
  await pause(8)
  source.hush(true)
  await pause(1)
  await agent.stop()
  await agent.start()
  source.hush(false)
  await pause(8)
}

export const cases: Case[] = [
  { name: 'right', wrongMs: 0, run: () => pause(45) },
  { name: 'no-battery', wrongMs: of1970, run: () => pause(45) },
  {
    name: 'no-battery-then-ntp',
    wrongMs: of1970,
    run: (clock) =>
      pause(8)
        .then(() => clock.set(0))
        .then(() => pause(37)),
  },
  { name: 'no-battery-offline-restarted', wrongMs: of1970, kind: 'offline', run: restarted },
  { name: 'jumps-ahead-and-back', wrongMs: 24 * hourMs, run: jumps },
  { name: 'slow-drift', wrongMs: 2000, rate: 1.001, run: () => pause(45) },
  { name: 'local-summer-time', wrongMs: 2 * hourMs, kind: 'plain', run: () => pause(45) },
]

/** Each holds longer than the agent waits until it follows. */
async function jumps(clock: WallClock): Promise<void> {
  await pause(5)
  clock.set(-3 * hourMs)
  await pause(35)
  clock.set(0)
  await pause(5)
}

export async function startCase(program: Program, installation: Installation, one: Case): Promise<Started> {
  const started = one.kind === 'plain' ? startPlain(program, installation) : await startGateway(program, installation, one)
  const { name } = one
  const isStored = async () => {
    const numbers = new Set((await points(installation, name).catch(() => [])).map(({ v }) => v))
    return [...started.source.saidMs.keys()].every((number) => numbers.has(number))
  }
  return { name, device: name, isStored, ...started }
}

export async function points({ api }: Pick<Installation, 'api'>, device: string) {
  return (await api.exportPoints(device, 'n', 0, Date.now() + 100 * hourMs)) as { t: number; v: number; byMs?: number }[]
}

async function startGateway(program: Program, { url }: Installation, { name, wrongMs, rate, kind, run }: Case) {
  const { dir, atEnd } = program
  const clock = wallClock(join(dir, `${name}.clock`), rate)
  clock.set(wrongMs)
  const source = await openSource(atEnd)
  const link = kind === 'offline' ? await closedLink(url, atEnd) : undefined
  const config = {
    group: 'drill',
    node: name,
    host: 'millrace',
    dataDir: join(dir, name),
    uplink: { url: link?.url ?? url, username: name, password, reconnectMsMax: 1000 },
    devices: [
      {
        id: name,
        bus: { kind: 'tcp', host: '127.0.0.1', port: source.port },
        decoder: { kind: 'csv-lines', columns: ['n', 'level'].map((channel) => ({ name: channel })) },
      },
    ],
  }
  const agent = await startsIn(program)(name, '@millrace/edge-agent/main', config, clock.command)
  const runAll = async () => {
    await run(clock, agent, source)
    await link?.open()
    if (link) await pause(20)
  }
  return { source, run: runAll, stampMs: undefined }
}

/** Its stamps are those of a clock on the wall, without an offset from UTC. */
function startPlain({ atEnd }: Program, { url }: Installation) {
  const client = mqtt.connect(url, { username: 'sensor', password, clientId: 'sensor' })
  atEnd(() => client.endAsync())
  const summer = (atMs: number) => new Date(atMs + 2 * hourMs).toISOString().replace('Z', '')
  const source = everyTenth((n, level) => {
    if (client.connected)
      client.publish('sensors/local-summer-time', JSON.stringify({ n, level, at: summer(Date.now()) }), { qos: 1 })
    return client.connected
  })
  atEnd(source.stop)
  return { source, run: () => pause(45), stampMs: 2 * hourMs }
}
