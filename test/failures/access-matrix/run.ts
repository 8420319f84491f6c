/** Runs the cases against a broker over TCP and TLS, and says where it does not do what the cases say. */
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { type Holder, holders, type PublishKind, publishKinds, type ReadCase, reads, topics } from './cases.ts'

export interface UnderTest {
  isMosquitto: boolean
  /** By password and by client certificate. */
  ways: Record<string, (holder: Holder) => { url: string; options: IClientOptions }>
}

export interface Found {
  cases: number
  /** `<way> <holder> <action> <topic or filter>: <what it did>` */
  wrong: string[]
}

/** What is not allowed has had so long to arrive, after all that is. */
const quietMs = 200
const lateMs = 5_000

/** Whom to try, by way; absent: everybody, by each way. */
export type Who = Partial<Record<string, readonly Holder[]>>

export async function runMatrix(broker: UnderTest, who?: Who): Promise<Found> {
  const found: Found = { cases: 0, wrong: [] }
  const admin = await connect(broker, 'password', 'admin')
  const seen = new Set<string>()
  admin.on('message', (topic, payload) => seen.add(`${topic} ${payload}`))
  await admin.subscribeAsync(['#', '$SYS/#'], { qos: 1 })
  for (const way of Object.keys(broker.ways))
    for (const holder of who ? (who[way] ?? []) : holders) {
      for (const kind of publishKinds) await publishes({ broker, way, holder, kind, admin, seen, found })
      await readsOf({ broker, way, holder, admin, found })
    }
  await admin.endAsync(true)
  return found
}

function connect(broker: UnderTest, way: string, holder: Holder, more: IClientOptions = {}): Promise<MqttClient> {
  const { url, options } = broker.ways[way]!(holder)
  const given = { protocolVersion: 4 as const, reconnectPeriod: 0, ...options, ...more }
  return mqtt.connectAsync(url, given, false).then((client) => client.on('error', () => {}))
}

interface Publishing {
  broker: UnderTest
  way: string
  holder: Holder
  kind: PublishKind
  admin: MqttClient
  seen: Set<string>
  found: Found
}

async function publishes({ broker, way, holder, kind, admin, seen, found }: Publishing): Promise<void> {
  const mark = `${way} ${holder} ${kind}`
  await Promise.all(Object.keys(topics).map((topic) => attempt({ broker, way, holder, kind, topic, mark })))
  const allowed = Object.keys(topics).filter((topic) => topics[topic]!.includes(holder))
  await settled(() => allowed.every((topic) => seen.has(`${topic} ${mark}`)))
  const arrived = kind === 'retained' ? await retainedOf(broker) : seen
  for (const [topic, by] of Object.entries(topics)) {
    found.cases++
    const isThere = arrived.has(`${topic} ${mark}`)
    if (isThere !== by.includes(holder)) found.wrong.push(`${mark} ${topic}: ${isThere ? 'was' : 'was not'} passed on`)
  }
  if (kind === 'retained') for (const topic of allowed) await admin.publishAsync(topic, '', { retain: true, qos: 1 })
}

interface Attempt extends Pick<Publishing, 'broker' | 'way' | 'holder' | 'kind'> {
  topic: string
  mark: string
}

/** In a connection of its own: our broker ends it where the topic is forbidden. */
async function attempt({ broker, way, holder, kind, topic, mark }: Attempt): Promise<void> {
  if (kind === 'will') {
    const will = { topic, payload: Buffer.from(mark), qos: 1 as const, retain: false }
    const client = await connect(broker, way, holder, { will }).catch(() => undefined)
    client?.stream.destroy()
    return
  }
  const client = await connect(broker, way, holder)
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
  const acknowledged = client.publishAsync(topic, mark, { qos: 1, retain: kind === 'retained' }).catch(() => {})
  await Promise.race([acknowledged, closed])
  await client.endAsync(true)
}

/** What a new subscriber is given. */
async function retainedOf(broker: UnderTest): Promise<Set<string>> {
  const client = await connect(broker, 'password', 'admin')
  const seen = new Set<string>()
  client.on('message', (topic, payload, { retain }) => retain && seen.add(`${topic} ${payload}`))
  await client.subscribeAsync(['#', '$SYS/#'], { qos: 1 })
  await new Promise((resolve) => setTimeout(resolve, quietMs))
  await client.endAsync(true)
  return seen
}

interface Reading extends Pick<Publishing, 'broker' | 'way' | 'holder' | 'admin' | 'found'> {}

async function readsOf({ broker, way, holder, admin, found }: Reading): Promise<void> {
  const inboxes = await Promise.all(reads.map((read) => subscribed(broker, way, holder, read)))
  for (const topic of new Set(reads.flatMap((read) => read.topic ?? []))) await admin.publishAsync(topic, 'x', { qos: 1 })
  // One more client: by it our broker tells of itself below $SYS.
  const last = await connect(broker, way, holder)
  const gets = ({ by, onMosquitto = [] }: ReadCase) => [...by, ...(broker.isMosquitto ? onMosquitto : [])].includes(holder)
  await settled(() => inboxes.every(({ read, count }) => count() > 0 || !gets(read)))
  for (const { read, count, isGranted } of inboxes) {
    found.cases++
    const isRead = count() > 0
    const where = `${way} ${holder} subscribe ${read.filter}${read.topic ? ` for ${read.topic}` : ''}`
    if (isRead !== gets(read)) found.wrong.push(`${where}: ${isRead ? 'was' : 'was not'} delivered`)
    if (!broker.isMosquitto && isGranted !== read.by.includes(holder))
      found.wrong.push(`${where}: ${isGranted ? 'was' : 'was not'} granted`)
  }
  await Promise.all([last, ...inboxes.map(({ client }) => client)].map((client) => client.endAsync(true)))
}

async function subscribed(broker: UnderTest, way: string, holder: Holder, read: ReadCase) {
  const client = await connect(broker, way, holder)
  let count = 0
  client.on('message', (topic) => {
    if (read.topic === undefined ? topic.startsWith('$SYS') : topic === read.topic) count++
  })
  const [grant] = await client.subscribeAsync(read.filter, { qos: 1 }).catch(() => [])
  return { client, read, count: () => count, isGranted: grant !== undefined && grant.qos !== 128 }
}

async function settled(isThere: () => boolean): Promise<void> {
  const untilMs = performance.now() + lateMs
  while (!isThere() && performance.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, 10))
  await new Promise((resolve) => setTimeout(resolve, quietMs))
}
