/** Sparkplug 3.0 as an edge node has to keep it: our uplink, with every packet that it sends. */
import { type Channel, emptyEdgeCounts, nodeMetrics } from '@millrace/contract'
import { bdSeqOf, decodePayload, encodeNodeCommand, encodeState, formatStateTopic } from '@millrace/contract/sparkplug'
import { memoryStorage, type Outbox, openOutbox, outboxSchema } from '@millrace/edge-agent/outbox'
import { connectMqtt, createUplink, type Uplink, uplinkSchema } from '@millrace/edge-agent/uplink'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { type Clause, clause, eventually, pause } from './clause.ts'
import { filtersIn, type Heard, type ListeningBroker, startListening, willIn } from './listening-broker.ts'

const channels: Channel[] = [
  { name: 'pulse', kind: 'number', datatype: 'Int32', unit: '/min' },
  { name: 'pleth', kind: 'waveform', datatype: 'Int16Array', unit: '1', intervalMs: 10 },
]
const names = ['NBIRTH', 'DBIRTH', 'DBIRTH']

interface Node {
  broker: ListeningBroker
  outbox: Outbox
  uplink: Uplink
  commit(): Promise<unknown>
  /** PUBLISH packets, of some types. */
  published(...types: string[]): Heard[]
}

const typeOf = ({ topic }: Heard) => topic.split('/')[2] ?? ''
const metricsOf = ({ body }: Heard) => decodePayload(body).metrics

/** One session from its beginning to a clean end, with data, a rebirth and a pause of the host in it. */
export async function agentClauses(): Promise<{ clauses: Clause[]; close(): Promise<void> }> {
  const node = await openNode()
  await node.commit()
  await eventually(
    () => node.published('DDATA').length > 0,
    () => 'no data',
  )
  const first = [...node.published()]
  const rebornAt = node.published().length
  await rebirth(node)
  const second = node.published().slice(rebornAt)
  const held = await birthsOfAPausedHost()
  await node.uplink.stop()
  await eventually(
    () => node.broker.heard.some(({ type }) => type === 14),
    () => 'no DISCONNECT',
  )
  const session = { node, first, second, held }
  return {
    clauses: [...atConnect(session), ...inBirths(session), ...inData(session), ...atTheEnd(session)],
    async close() {
      await node.outbox.close()
      await node.broker.close()
    },
  }
}

interface Session {
  node: Node
  first: Heard[]
  /** From the rebirth command on. */
  second: Heard[]
  /** Of another node: what it sent while STATE was offline, and then. */
  held: { offline: Heard[]; online: Heard[] }
}

async function openNode(state?: { online: boolean; timestamp: number }): Promise<Node> {
  const broker = await startListening()
  const parts = { clock: systemClock, log: silentLog, metrics: createMetrics() }
  const outbox = await openOutbox(memoryStorage(), outboxSchema.parse({}), parts)
  for (const device of ['a', 'b']) await outbox.declare(device, channels)
  const options = uplinkSchema.parse({ url: broker.url, receipts: false })
  const devices = ['a', 'b'].map((device) => ({ device, channels }))
  const uplink = createUplink({
    ...parts,
    outbox,
    transport: connectMqtt(options, parts),
    node: { group: 'g', node: 'n' },
    host: 'h',
    devices,
    options,
  })
  uplink.start()
  const published = (...types: string[]) =>
    broker.heard.filter((heard) => heard.type === 3 && (types.length === 0 || types.includes(typeOf(heard))))
  if (state) {
    await eventually(
      () => broker.heard.some(({ type }) => type === 8),
      () => 'no SUBSCRIBE',
    )
    broker.send(formatStateTopic('h'), encodeState(state))
  } else
    await eventually(
      () => published().length >= names.length,
      () => published().map(typeOf),
    )
  let t = Date.now()
  const commit = () => {
    t += 10
    const columns = { channels: { pulse: { t: [t], v: [60] } }, waves: { pleth: [{ t, i: 10, v: [1, 2] }] } }
    return outbox.commit([{ device: 'a', columns, bad: [], counts: { ...emptyEdgeCounts(), read: [1, 2], frames: [1, 0] } }])
  }
  return { broker, outbox, uplink, commit, published }
}

/** Two commands in a row: the second comes too soon. */
async function rebirth(node: Node): Promise<void> {
  for (let n = 1; n <= 2; n++) {
    const births = node.published('NBIRTH').length
    node.broker.send('spBv1.0/g/NCMD/n', encodeNodeCommand(nodeMetrics.rebirth, true, Date.now()))
    await pause(30)
    for (let k = 0; k < 5; k++) await node.commit()
    await eventually(
      () => node.published('NBIRTH').length > births,
      () => 'no rebirth',
    )
    await eventually(
      () => node.published('DDATA').at(-1) === node.published().at(-1),
      () => 'no data behind the births',
    )
  }
}

async function birthsOfAPausedHost(): Promise<Session['held']> {
  const node = await openNode({ online: true, timestamp: 1 })
  await eventually(
    () => node.published().length >= names.length,
    () => 'no births',
  )
  node.broker.send(formatStateTopic('h'), encodeState({ online: false, timestamp: 2 }))
  await pause(30)
  const at = node.published().length
  node.broker.send('spBv1.0/g/NCMD/n', encodeNodeCommand(nodeMetrics.rebirth, true, Date.now()))
  await node.commit()
  await pause(1200)
  const offline = node.published().slice(at)
  node.broker.send(formatStateTopic('h'), encodeState({ online: true, timestamp: 3 }))
  await eventually(
    () =>
      node
        .published()
        .slice(at)
        .some((heard) => typeOf(heard) === 'DDATA'),
    () => 'no data',
  )
  const online = node.published().slice(at)
  await node.uplink.stop()
  await node.outbox.close()
  await node.broker.close()
  return { offline, online }
}

const all = (heard: Heard[], is: (one: Heard) => boolean) =>
  heard.length > 0 && (heard.every(is) || heard.find((one) => !is(one)))
const begins = (heard: Heard[]) => {
  const found = heard.slice(0, names.length).map(typeOf)
  return found.join() === names.join() || found
}

function atConnect({ node, first }: Session): Clause[] {
  const { heard } = node.broker
  const will = willIn(heard[0]!.body)
  const subscribed = heard.findIndex(({ type }) => type === 8)
  const granted = heard.filter(({ type }) => type === 8).flatMap(({ body }) => filtersIn(body))
  const has = (filter: string) => granted.some((one) => one.filter === filter && one.qos === 1) || granted
  return [
    clause('tck-id-principles-persistence-clean-session-311', 'CONNECT begins a clean session', () => (will.flags & 2) === 2),
    clause('tck-id-payloads-ndeath-will-message', 'its will is the NDEATH', () => will.topic === 'spBv1.0/g/NDEATH/n'),
    clause('tck-id-payloads-ndeath-will-message-qos', 'of QoS 1', () => ((will.flags >> 3) & 3) === 1),
    clause('tck-id-payloads-ndeath-will-message-retain', 'not retained', () => (will.flags & 0x20) === 0),
    clause('tck-id-message-flow-edge-node-ncmd-subscribe', 'it subscribes to its commands', () => has('spBv1.0/g/NCMD/n')),
    clause('tck-id-message-flow-edge-node-birth-publish-subscribe', 'before its birth', () => {
      return subscribed < heard.indexOf(first[0]!)
    }),
    clause('tck-id-message-flow-edge-node-birth-publish-nbirth-payload-bdSeq', 'birth and will have one bdSeq', () => {
      return bdSeqOf(decodePayload(will.payload)) === bdSeqOf(decodePayload(first[0]!.body))
    }),
  ]
}

function inBirths({ first, second, held }: Session): Clause[] {
  const births = first.filter((heard) => typeOf(heard).endsWith('BIRTH'))
  const control = metricsOf(first[0]!).find(({ name }) => name === nodeMetrics.rebirth)
  const seqs = first.map(({ body }) => decodePayload(body).seq)
  const action = 'tck-id-operational-behavior-data-commands-rebirth-action'
  return [
    clause('tck-id-payloads-dbirth-order', 'the DBIRTHs follow the NBIRTH before any data', () => begins(first)),
    clause('tck-id-payloads-dbirth-order', 'with STATE offline neither is sent', () => held.offline.length === 0 || held.offline),
    clause('tck-id-payloads-dbirth-order', 'and both when it is online again', () => begins(held.online)),
    clause('tck-id-payloads-nbirth-qos', 'births have QoS 0', () => all(births, ({ qos }) => qos === 0)),
    clause('tck-id-payloads-nbirth-retain', 'and are not retained', () => all(births, ({ retain }) => !retain)),
    clause('tck-id-payloads-nbirth-seq', 'NBIRTH has seq 0', () => seqs[0] === 0),
    clause('tck-id-payloads-sequence-num-incrementing', 'each message has one more', () => {
      return seqs.every((seq, index) => seq === index % 256) || seqs
    }),
    clause('tck-id-payloads-name-birth-data-requirement', 'every metric of a birth has a timestamp', () => {
      return all(births, (heard) => metricsOf(heard).every(({ timestamp }) => timestamp !== undefined))
    }),
    clause('tck-id-operational-behavior-data-commands-rebirth-value', 'Node Control/Rebirth is false in the birth', () => {
      return control?.value === false && control.datatype === 'Boolean'
    }),
    clause(`${action}-1`, 'after a rebirth command no data comes before the births', () => begins(second)),
    clause(`${action}-1`, 'also when the command comes too soon', () => {
      return begins(second.slice(second.findLastIndex((heard) => typeOf(heard) === 'NBIRTH')))
    }),
    clause(`${action}-3`, 'with the same bdSeq', () => {
      return bdSeqOf(decodePayload(second[0]!.body)) === bdSeqOf(decodePayload(first[0]!.body))
    }),
  ]
}

function inData({ node }: Session): Clause[] {
  const data = node.published('DDATA', 'NDATA')
  return [
    clause('tck-id-payloads-ddata-qos', 'data has QoS 0', () => all(data, ({ qos }) => qos === 0)),
    clause('tck-id-payloads-ddata-retain', 'and is not retained', () => all(data, ({ retain }) => !retain)),
    clause('tck-id-payloads-metric-datatype-not-req', 'metrics of data have no datatype', () => {
      return all(data, (heard) => metricsOf(heard).every(({ datatype }) => datatype === undefined))
    }),
    clause('tck-id-payloads-alias-data-cmd-requirement', 'metrics of DDATA have an alias and no name', () => {
      const own = node.published('DDATA')
      return all(own, (heard) => metricsOf(heard).every(({ alias, name }) => alias !== undefined && name === undefined))
    }),
    clause('tck-id-payloads-ddata-timestamp', 'messages and metrics have timestamps', () => {
      return all(data, ({ body }) => {
        const { timestamp, metrics } = decodePayload(body)
        return timestamp !== undefined && metrics.every((metric) => metric.timestamp !== undefined)
      })
    }),
  ]
}

function atTheEnd({ node }: Session): Clause[] {
  const intentional = 'tck-id-operational-behavior-edge-node-intentional-disconnect'
  return [
    clause(`${intentional}-ndeath`, 'a clean end begins with the NDEATH', () => typeOf(node.published().at(-1)!) === 'NDEATH'),
    clause(`${intentional}-packet`, 'and ends with DISCONNECT', () => node.broker.heard.at(-1)!.type === 14),
    clause('tck-id-payloads-ndeath-bdseq', 'NDEATH has the bdSeq of its birth', () => {
      const [death, birth] = [node.published('NDEATH').at(-1)!, node.published('NBIRTH').at(-1)!]
      return bdSeqOf(decodePayload(death.body)) === bdSeqOf(decodePayload(birth.body))
    }),
    clause(
      'tck-id-payloads-ndeath-seq',
      'and no seq',
      () => decodePayload(node.published('NDEATH').at(-1)!.body).seq === undefined,
    ),
  ]
}
