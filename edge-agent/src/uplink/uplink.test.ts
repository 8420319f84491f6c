import { once } from 'node:events'
import { type AddressInfo, connect as connectSocket, createServer, type Server, type Socket } from 'node:net'
import {
  addRange,
  type Channel,
  emptyEdgeCounts,
  formatReceipt,
  type GapRecord,
  parseBatchName,
  parseBirthName,
  type Ranges,
} from '@millrace/contract'
import {
  bdSeqOf,
  decodeBatch,
  decodePayload,
  encodeNodeCommand,
  encodeState,
  formatStateTopic,
  parseTopic,
  peek,
} from '@millrace/contract/sparkplug'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { Aedes } from 'aedes'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type MemoryStorage, memoryStorage, type Outbox, type OutboxOptions, openOutbox, outboxSchema } from '../outbox/index.ts'
import { connectMqtt } from './mqtt-transport.ts'
import { type UplinkOptions, uplinkSchema } from './options.ts'
import { createUplink, type Uplink } from './uplink.ts'

const channels: Channel[] = [{ name: 'pulse', kind: 'number', datatype: 'Int32', unit: '/min' }]
const node = { group: 'g', node: 'n' }
const ncmd = 'spBv1.0/g/NCMD/n'

interface Message {
  topic: string
  type: string
  payload: Buffer
  atMs: number
}

/** A broker, and a host application that writes down everything and receipts what `accept` says. */
interface Cloud {
  url: string
  messages: Message[]
  /** Values of each batch received, by name; a resent one must be the same. */
  batches: Map<string, number[]>
  receipted: Set<string>
  accept: (message: Message) => boolean
  receiptBirths: boolean
  creditBytes: number
  log: string
  cut(): void
  command(name: string, value: string | boolean): Promise<void>
  state(online: boolean, timestamp: number): Promise<void>
  close(): Promise<void>
}

async function startCloud(): Promise<Cloud> {
  const broker = await Aedes.createBroker()
  const server: Server = createServer(broker.handle)
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client: MqttClient = await connectAsync(url, { clientId: 'host' })
  await client.subscribeAsync('spBv1.0/#', { qos: 1 })
  const hostSocket = [...sockets][0]!
  const cloud: Cloud = {
    url,
    messages: [],
    batches: new Map(),
    receipted: new Set(),
    accept: () => true,
    receiptBirths: true,
    creditBytes: 1e9,
    log: 'log-1',
    cut() {
      for (const socket of sockets) if (socket !== hostSocket) socket.destroy()
    },
    command: async (name, value) =>
      void (await client.publishAsync(ncmd, Buffer.from(encodeNodeCommand(name, value, Date.now())))),
    state: async (online, timestamp) =>
      void (await client.publishAsync(formatStateTopic('millrace'), Buffer.from(encodeState({ online, timestamp })), {
        qos: 1,
        retain: true,
      })),
    async close() {
      await client.endAsync(true)
      for (const socket of sockets) socket.destroy()
      broker.close()
      server.close()
    },
  }
  client.on('message', (topic, payload) => receive(cloud, topic, payload))
  return cloud
}

function receive(cloud: Cloud, topic: string, payload: Buffer): void {
  const parsed = parseTopic(topic)
  if (!parsed || parsed.type === 'STATE' || parsed.type === 'NCMD') return
  const message = { topic, type: parsed.type, payload, atMs: Date.now() }
  cloud.messages.push(message)
  const uuid = peek(payload)?.uuid
  const birth = parseBirthName(uuid)
  if (birth && cloud.receiptBirths) void receipt(cloud, new Map(), [birth])
  const batch = parseBatchName(uuid)
  if (!batch) return
  const values =
    decodeBatch(payload, (key) => (typeof key === 'number' ? channels[0] : undefined)).columns.channels.pulse?.v ?? []
  const known = cloud.batches.get(uuid!)
  if (known) expect(values).toEqual(known)
  cloud.batches.set(uuid!, values as number[])
  if (!cloud.accept(message)) return
  cloud.receipted.add(uuid!)
  const ranges: Ranges = []
  addRange(ranges, batch.number)
  void receipt(cloud, new Map([[batch.stream, ranges]]), [])
}

function receipt(cloud: Cloud, got: Map<string, Ranges>, births: string[]): Promise<void> {
  const nowMs = Date.now() + 5000
  const text = formatReceipt({
    host: 'millrace',
    log: cloud.log,
    got,
    births,
    credit: cloud.creditBytes,
    receivedMs: nowMs,
    sentMs: nowMs,
  })
  return cloud.command('Node Control/Receipt', text)
}

let cloud: Cloud
let storage: MemoryStorage
let outbox: Outbox
let uplink: Uplink | undefined

beforeEach(async () => {
  cloud = await startCloud()
  storage = memoryStorage()
})
afterEach(async () => {
  await uplink?.stop()
  uplink = undefined
  await outbox.close()
  await cloud.close()
})

async function start(
  options: Partial<UplinkOptions> = {},
  outboxOptions: Partial<OutboxOptions> = {},
  devices = ['a', 'b'],
): Promise<void> {
  outbox = await openOutbox(storage, outboxSchema.parse({ ledgerEveryMs: 1e6, ...outboxOptions }), {
    clock: systemClock,
    log: silentLog,
    metrics: createMetrics(),
  })
  for (const device of devices) await outbox.declare(device, channels)
  const checked = uplinkSchema.parse({ url: cloud.url, resendMs: 100, reconnectMsMin: 20, reconnectMsMax: 60, ...options })
  const context = { clock: systemClock, log: silentLog, metrics: createMetrics() }
  uplink = createUplink({
    ...context,
    outbox,
    transport: connectMqtt(checked, context),
    node,
    host: 'millrace',
    devices: devices.map((device) => ({ device, channels })),
    options: checked,
  })
}

let clockMs = 1_000_000
function commit(device: string, count = 3): Promise<boolean> {
  const t = Array.from({ length: count }, () => ++clockMs)
  const columns = { channels: { pulse: { t, v: t } }, waves: {} }
  return outbox.commit([{ device, columns, bad: [], counts: { ...emptyEdgeCounts(), read: [count, 0], frames: [count, 0] } }])
}

async function until(what: string, done: () => boolean, ms = 8000): Promise<void> {
  for (const end = Date.now() + ms; !done(); await new Promise((resolve) => setTimeout(resolve, 10)))
    if (Date.now() > end)
      throw new Error(`${what} did not come: ${JSON.stringify({ outbox: outbox.status(), uplink: uplink?.status() })}`)
}

const isEmpty = () => outbox.status().entries === 0
const types = () => cloud.messages.map(({ type }) => type)
const data = () => cloud.messages.filter(({ type }) => type === 'DDATA')
/** Every value that was ever committed, as received. */
const values = () => [...cloud.batches.values()].flat().sort((a, b) => a - b)
const numberOf = ({ payload }: Message) => parseBatchName(peek(payload)!.uuid)!.number

describe('uplink', () => {
  test('a session begins with NBIRTH and DBIRTHs, counts seq from 0, and ends with NDEATH before the disconnect', async () => {
    await start()
    uplink!.start()
    await commit('a')
    await commit('b')
    await until('empty outbox', isEmpty)
    await uplink!.stop()
    await until('NDEATH', () => types().includes('NDEATH'))
    expect(types().slice(0, 3)).toEqual(['NBIRTH', 'DBIRTH', 'DBIRTH'])
    expect(types().at(-1)).toBe('NDEATH')
    expect(types().filter((type) => type === 'NDEATH')).toHaveLength(1)
    const seqs = cloud.messages.filter(({ type }) => type !== 'NDEATH').map(({ payload }) => peek(payload)!.seq)
    expect(seqs).toEqual(seqs.map((_, index) => index))
    const [birth, death] = [cloud.messages[0]!, cloud.messages.at(-1)!].map(({ payload }) => bdSeqOf(decodePayload(payload)))
    expect(death).toBe(birth)
    expect(data().every(({ payload }) => !peek(payload)!.historical)).toBe(true)
  })

  test('a cut connection leaves the NDEATH of its bdSeq, and the next has one more', async () => {
    await start()
    uplink!.start()
    await until('births', () => types().length >= 3)
    cloud.cut()
    await until('second birth', () => types().filter((type) => type === 'NBIRTH').length === 2)
    const births = cloud.messages.filter(({ type }) => type === 'NBIRTH').map(({ payload }) => bdSeqOf(decodePayload(payload)))
    expect(births[1]).toBe(births[0]! + 1)
    const death = cloud.messages.find(({ type }) => type === 'NDEATH')!
    expect(bdSeqOf(decodePayload(death.payload))).toBe(births[0])
  })

  test('no batch is sent before its declaration has a receipt, and the birth is sent again until then', async () => {
    cloud.receiptBirths = false
    await start()
    uplink!.start()
    await commit('a')
    await until('a second birth', () => types().filter((type) => type === 'DBIRTH').length >= 4)
    expect(data()).toEqual([])
    cloud.receiptBirths = true
    await until('empty outbox', isEmpty)
  })

  test('with receipts lost, messages dropped and connections cut, every batch ends receipted under its own name', async () => {
    await start({ windowBatches: 16 })
    let count = 0
    cloud.accept = () => ++count % 3 !== 0
    uplink!.start()
    const committed: number[] = []
    for (let round = 0; round < 60; round++) {
      const from = clockMs
      await commit(round % 2 ? 'a' : 'b')
      for (let ms = from + 1; ms <= clockMs; ms++) committed.push(ms)
      if (round % 15 === 14) cloud.cut()
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    cloud.accept = () => true
    await until('empty outbox', isEmpty)
    expect(values()).toEqual(committed)
    expect(cloud.receipted.size).toBe(cloud.batches.size)
    expect(uplink!.status().resent).toBeGreaterThan(0)
  })

  test('a backlog of an earlier run is sent as historical under its old names, within its share, while live batches go first', async () => {
    await start()
    for (let i = 0; i < 200; i++) await commit('a', 50)
    const old = outbox.stream
    await uplink!.stop()
    uplink = undefined
    await start({ windowBatches: 8, backlogShare: 0.5, resendMs: 5000 })
    let pending = 0
    let most = 0
    cloud.accept = () => {
      pending++
      most = Math.max(most, uplink!.status().inFlight)
      return true
    }
    uplink!.start()
    await until('some backlog', () => data().length > 20)
    await commit('b')
    const before = data().length
    await until('the live batch', () => data().some(({ topic }) => topic.endsWith('/b')))
    expect(data().findIndex(({ topic }) => topic.endsWith('/b'))).toBeLessThan(before + 12)
    await until('empty outbox', isEmpty)
    const backlog = data().filter(({ topic }) => topic.endsWith('/a'))
    expect(backlog).toHaveLength(200)
    expect(backlog.every(({ payload }) => peek(payload)!.historical && parseBatchName(peek(payload)!.uuid)!.stream === old)).toBe(
      true,
    )
    expect(backlog.map(numberOf)).toEqual(backlog.map(numberOf).sort((a, b) => a - b))
    expect(
      data()
        .filter(({ topic }) => topic.endsWith('/b'))
        .map(({ payload }) => peek(payload)!.historical),
    ).toEqual([false])
    expect(pending).toBeGreaterThanOrEqual(200)
    expect(most).toBeLessThanOrEqual(8)
  })

  test('a credit of nothing lets live batches through and holds the backlog to a probe a second', async () => {
    await start()
    for (let i = 0; i < 30; i++) await commit('a')
    await uplink!.stop()
    await start()
    cloud.creditBytes = 0
    uplink!.start()
    await until('births', () => types().filter((type) => type === 'DBIRTH').length >= 2)
    await commit('b')
    await until('the live batch', () => data().some(({ topic }) => topic.endsWith('/b')))
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(data().filter(({ topic }) => topic.endsWith('/a')).length).toBeLessThanOrEqual(2)
    cloud.creditBytes = 1e9
    await until('empty outbox', isEmpty)
  })

  test('what a host without credit dropped goes again as soon as the credit opens, however often that was', async () => {
    await start()
    for (let i = 0; i < 30; i++) await commit('a')
    await uplink!.stop()
    await start({ resendMs: 5000, poisonSends: 3 })
    cloud.accept = ({ type }) => type === 'NDATA'
    uplink!.start()
    const tellCredit = (bytes: number) => {
      cloud.creditBytes = bytes
      return receipt(cloud, new Map(), [])
    }
    const startedMs = performance.now()
    for (let round = 1; round <= 4; round++) {
      await until(`round ${round}`, () => data().length >= 30 * round)
      await tellCredit(0)
      cloud.accept = ({ type }) => type === 'NDATA' || round === 4
      await tellCredit(1e9)
    }
    await until('empty outbox', isEmpty)
    expect(performance.now() - startedMs).toBeLessThan(5000)
    expect(storage.asideIds).toEqual([])
  })

  test('STATE pauses and resumes sending without a new birth, and an old STATE counts for nothing', async () => {
    await start()
    uplink!.start()
    await until('births', () => types().filter((type) => type === 'DBIRTH').length >= 2)
    await cloud.state(false, 1000)
    await until('pause', () => !uplink!.status().hostOnline)
    await commit('a')
    await cloud.state(true, 999)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(data()).toEqual([])
    await cloud.state(true, 1001)
    await until('empty outbox', isEmpty)
    expect(types().filter((type) => type === 'NBIRTH')).toHaveLength(1)
  })

  test('receipts of another host are ignored, and a rebirth command brings NBIRTH with seq 0 and all DBIRTHs', async () => {
    await start()
    cloud.accept = () => false
    uplink!.start()
    await commit('a')
    await until('data', () => data().length > 0)
    const { stream, number } = parseBatchName(peek(data()[0]!.payload)!.uuid)!
    const other = {
      host: 'other',
      log: 'x',
      got: new Map([[stream, [[1, number]] as Ranges]]),
      births: [],
      credit: 0,
      receivedMs: 0,
      sentMs: 0,
    }
    await cloud.command('Node Control/Receipt', formatReceipt(other))
    await cloud.command('Node Control/Rebirth', true)
    await until('rebirth', () => types().filter((type) => type === 'NBIRTH').length === 2)
    await until('device births', () => types().filter((type) => type === 'DBIRTH').length >= 4)
    expect(isEmpty()).toBe(false)
    const second = types().lastIndexOf('NBIRTH')
    expect(cloud.messages.slice(second).map(({ payload }) => peek(payload)!.seq)).toEqual(
      cloud.messages.slice(second).map((_, i) => i),
    )
    cloud.accept = () => true
    await until('empty outbox', isEmpty)
  })

  test('a log that was created again gets the births again before more data', async () => {
    await start()
    uplink!.start()
    await commit('a')
    await until('empty outbox', isEmpty)
    const before = types().filter((type) => type === 'DBIRTH').length
    cloud.log = 'log-2'
    await commit('a')
    await until('births', () => types().filter((type) => type === 'DBIRTH').length >= before + 2)
    await commit('b')
    await until('empty outbox', isEmpty)
  })

  test('a batch that nobody receipts while others get theirs is set aside, with its bytes and a gap that names it', async () => {
    await start({ poisonSends: 2 })
    uplink!.start()
    cloud.accept = ({ topic }) => !topic.endsWith('/a')
    await commit('a')
    await until('the poison', () => data().length > 0)
    const poison = numberOf(data()[0]!)
    for (let i = 0; i < 60; i++) {
      await commit('b')
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    await until(
      'the gap',
      () =>
        cloud.messages.some(({ payload }) =>
          JSON.stringify(decodePayload(payload).metrics.map(({ value }) => value)).includes('set-aside'),
        ),
      18_000,
    )
    const gaps = cloud.messages
      .filter(({ type }) => type === 'NDATA')
      .flatMap(({ payload }) => decodePayload(payload).metrics.filter(({ name }) => name === 'Millrace/Gap'))
    const gap = JSON.parse(String(gaps[0]!.value)) as GapRecord
    expect(gap).toMatchObject({ reason: 'set-aside', stream: outbox.stream, numbers: [[poison, poison]] })
    expect(storage.asideIds).toHaveLength(1)
    await until('empty outbox', isEmpty)
  })

  test('a batch at whose coming the connection ends is found among its neighbours and set aside', async () => {
    await start({ windowBatches: 8 })
    cloud.accept = ({ topic }) => {
      if (!topic.endsWith('/a')) return true
      cloud.cut()
      return false
    }
    for (let i = 0; i < 40; i++) await commit(i === 3 ? 'a' : 'b')
    uplink!.start()
    await until('empty outbox', isEmpty, 18_000)
    expect(storage.asideIds).toHaveLength(1)
    expect([...cloud.receipted].filter((name) => name.endsWith('/3')).length).toBe(39)
  })

  test('a silent host is probed, and the first receipt opens the window again', async () => {
    await start()
    uplink!.start()
    await until('births', () => types().filter((type) => type === 'DBIRTH').length >= 2)
    cloud.accept = () => false
    for (let i = 0; i < 20; i++) {
      await commit('a')
      await new Promise((resolve) => setTimeout(resolve, 40))
    }
    const quiet = data().length
    await new Promise((resolve) => setTimeout(resolve, 800))
    expect(data().length - quiet).toBeLessThanOrEqual(3)
    cloud.accept = () => true
    await until('empty outbox', isEmpty)
    expect(new Set(values()).size).toBe(values().length)
  })

  test('a device that goes offline dies when its data is out, and is born again when it comes back', async () => {
    await start()
    uplink!.start()
    await commit('a')
    await until('empty outbox', isEmpty)
    uplink!.deviceOffline('a')
    await until('DDEATH', () => types().includes('DDEATH'))
    const births = types().filter((type) => type === 'DBIRTH').length
    uplink!.deviceOnline('a')
    await until('DBIRTH', () => types().filter((type) => type === 'DBIRTH').length > births)
  })

  test('the death of a device that stays away is said in sequence in each session, and again when the host is back', async () => {
    await start()
    uplink!.deviceOffline('b')
    uplink!.start()
    await commit('a')
    const deaths = () => cloud.messages.filter(({ type }) => type === 'DDEATH')
    const births = () => cloud.messages.filter(({ topic, type }) => type === 'DBIRTH' && topic.endsWith('/b'))
    await until('DDEATH', () => deaths().length === 1)
    expect(births(), 'the host knows it from one birth').toHaveLength(1)
    const seqs = cloud.messages.map(({ payload }) => peek(payload)!.seq)
    expect(seqs).toEqual(seqs.map((_, k) => k))
    cloud.cut()
    await until('DDEATH in the new session', () => deaths().length === 2)
    await cloud.state(true, 1000)
    await until('DDEATH when the host is back', () => deaths().length === 3)
    expect(births()).toHaveLength(1)
    await commit('a')
    await until('empty outbox', isEmpty)
    expect(deaths().every(({ topic }) => topic === 'spBv1.0/g/DDEATH/n/b')).toBe(true)
  })

  test('what a device measured before it went is sent after its birth, and its death follows', async () => {
    await start()
    await commit('a')
    uplink!.deviceOffline('a')
    uplink!.start()
    await until('DDEATH', () => types().includes('DDEATH'))
    const own = cloud.messages.filter(({ topic }) => topic.endsWith('/a')).map(({ type }) => type)
    expect(own).toEqual(['DBIRTH', 'DDATA', 'DDEATH'])
    expect(isEmpty()).toBe(true)
  })

  test('without receipts only a device that was born in the session dies', async () => {
    await start({ receipts: false })
    uplink!.deviceOffline('b')
    uplink!.start()
    await until('DDEATH', () => types().includes('DDEATH'))
    cloud.cut()
    await until('the next session', () => types().filter((type) => type === 'NBIRTH').length === 2)
    await commit('a')
    await until('data', () => data().length === 1)
    await new Promise((resolve) => setTimeout(resolve, 1200))
    expect(types().filter((type) => type === 'DDEATH')).toHaveLength(1)
  })

  test('batches of an earlier declaration are sent with its birth, and the newer birth follows', async () => {
    await start()
    await commit('a')
    await uplink!.stop()
    uplink = undefined
    await start({}, {}, [])
    const changed = [{ ...channels[0]!, unit: 'Hz' }]
    uplink!.start()
    uplink!.deviceOnline('a', changed)
    await until('empty outbox', isEmpty)
    await until('the newer birth last', () => {
      const last = cloud.messages.findLast(({ type }) => type === 'DBIRTH')
      return JSON.stringify([...(decodePayload(last!.payload).metrics[0]!.properties ?? [])]).includes('Hz')
    })
    expect(new Set(cloud.messages.filter(({ type }) => type === 'DBIRTH').map(({ payload }) => peek(payload)!.uuid)).size).toBe(2)
  })

  test('without receipts a batch is freed when it was sent', async () => {
    cloud.receiptBirths = false
    cloud.accept = () => false
    await start({ receipts: false })
    uplink!.start()
    await commit('a')
    await until('empty outbox', isEmpty)
    await until('data', () => data().length === 1)
  })

  test('the clock of the processor is estimated from receipts', async () => {
    await start()
    uplink!.start()
    await commit('a')
    await until('an offset', () => uplink!.status().clockOffsetMs !== undefined)
    expect(uplink!.status().clockOffsetMs!).toBeGreaterThan(4900)
    expect(uplink!.status().clockOffsetMs!).toBeLessThan(5100)
  })

  test('a broker that is not there is tried again', async () => {
    const { port } = new URL(cloud.url)
    await start({ url: 'mqtt://127.0.0.1:1' })
    uplink!.start()
    await until('an error', () => uplink!.status().lastError !== undefined)
    expect(uplink!.status().connected).toBe(false)
    const socket = connectSocket(Number(port), '127.0.0.1')
    socket.destroy()
  })
})
