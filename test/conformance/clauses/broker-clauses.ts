/** MQTT 3.1.1 as a server has to keep it, packet by packet, on our broker. */
import { type Broker, brokerSchema, startBroker } from '@millrace/broker/broker'
import { field, openRaw, packet, type RawConnection } from '../../support/mqtt-bytes.ts'
import { type Clause, expectThat, pause } from './clause.ts'

const id = (n: number) => Buffer.of(n >> 8, n & 255)
interface Connecting {
  clientId?: string
  flags?: number
  level?: number
  name?: string
  keepAlive?: number
  rest?: Buffer[]
}
const connect = ({ clientId = '', flags = 2, level = 4, name = 'MQTT', keepAlive = 60, rest = [] }: Connecting = {}) =>
  packet(0x10, field(name), Buffer.of(level, flags, 0, keepAlive), field(clientId), ...rest)
const subscribe = (filter: string, qos = 0, n = 1) => packet(0x82, id(n), field(filter), Buffer.of(qos))
const publish = (topic: string, payload: string, { qos = 0, retain = 0, n = 1 } = {}) =>
  packet(0x30 | (qos << 1) | retain, field(topic), qos > 0 ? id(n) : Buffer.of(), Buffer.from(payload))
const hex = (bytes: Buffer) => bytes.toString('hex')
const gone = [field('gone'), field('x')]

/** The cases on a broker that lets everybody in. `more` keeps a session for those that need one. */
export async function brokerClauses(): Promise<{ clauses: Clause[]; close(): Promise<void> }> {
  const broker = await startBroker(brokerSchema.parse({ listen: { port: 0 }, dangerouslyAllowAnonymous: true }))
  return { clauses: [...refused(broker), ...answered(broker), ...delivered(broker)], close: () => broker.close() }
}

async function client(broker: Broker, connecting: Connecting = {}): Promise<RawConnection> {
  const raw = await openRaw(broker.port)
  raw.socket.write(connect(connecting))
  expectThat(hex(await raw.receive(4)).endsWith('00'), 'the CONNECT was refused')
  return raw
}

/** After a good CONNECT, or instead of one, these bytes end the connection. */
function refused(broker: Broker): Clause[] {
  const closes = (clause: string, says: string, bytes: Buffer, isGreeted = true): Clause => ({
    id: clause,
    says,
    async holds() {
      const raw = isGreeted ? await client(broker) : await openRaw(broker.port)
      raw.socket.write(bytes)
      const { isClosed } = await raw.untilClosed(1000)
      expectThat(isClosed, 'the connection stays')
    },
  })
  return [
    closes('MQTT-3.1.0-1', 'the first packet is CONNECT', packet(0xc0), false),
    closes('MQTT-3.1.0-2', 'a second CONNECT ends the connection', connect()),
    closes('MQTT-3.1.2-1', 'another protocol name ends it', connect({ name: 'MQTX' }), false),
    closes('MQTT-3.1.2-3', 'the reserved flag of CONNECT is 0', connect({ flags: 3 }), false),
    closes('MQTT-3.1.2-14', 'the QoS of a will is not 3', connect({ flags: 0x1e, rest: gone }), false),
    closes('MQTT-3.1.2-22', 'no password without a user name', connect({ flags: 0x42, rest: [field('p')] }), false),
    closes('MQTT-2.2.2-2', 'reserved flags are those of the table', packet(0x80, id(1), field('a'), Buffer.of(0))),
    closes('MQTT-2.3.1-1', 'a packet identifier is not 0', subscribe('a', 0, 0)),
    closes('MQTT-1.5.3-1', 'texts are UTF-8', packet(0x30, Buffer.of(0, 2, 0xc0, 0xaf))),
    closes('MQTT-1.5.3-2', 'texts have no U+0000', publish('a\0b', '')),
    closes('MQTT-3.3.1-2', 'DUP is 0 with QoS 0', packet(0x38, field('a'))),
    closes('MQTT-3.3.1-4', 'no QoS 3', packet(0x36, field('a'), id(1))),
    closes('MQTT-3.3.2-2', 'no wildcard in the topic of a message', publish('a/#', '')),
    closes('MQTT-3.8.3-3', 'SUBSCRIBE has a filter', packet(0x82, id(1))),
    closes('MQTT-3.8.3-4', 'the requested QoS is 0, 1 or 2', subscribe('a', 3)),
    closes('MQTT-3.10.3-2', 'UNSUBSCRIBE has a filter', packet(0xa2, id(1))),
    closes('MQTT-4.7.1-2', '# is the last level', subscribe('a/#/b')),
    closes('MQTT-4.7.1-3', '+ is a whole level', subscribe('a/b+')),
    closes('MQTT-4.7.3-1', 'a topic is not empty', publish('', '')),
  ]
}

/** What one client gets back for what it sends. */
function answered(broker: Broker): Clause[] {
  const answers = (clause: string, says: string, [bytes, answer]: [Buffer, string], connecting?: Connecting): Clause => ({
    id: clause,
    says,
    async holds() {
      const raw = connecting ? await openRaw(broker.port) : await client(broker)
      raw.socket.write(connecting ? connect(connecting) : bytes)
      const came = hex(await Promise.race([raw.receive(answer.length / 2), pause(1000).then(() => Buffer.of())]))
      raw.socket.destroy()
      expectThat(came === answer, came)
    },
  })
  const none = Buffer.of()
  return [
    answers('MQTT-3.1.2-2', 'an unknown protocol level gets CONNACK 1', [none, '20020001'], { level: 9 }),
    answers('MQTT-3.1.3-6', 'an empty client id is taken with a clean session', [none, '20020000'], {}),
    answers('MQTT-3.1.3-8', 'and gets CONNACK 2 without one', [none, '20020002'], { flags: 0 }),
    answers('MQTT-3.8.4-2', 'SUBACK has the identifier of its SUBSCRIBE', [subscribe('a', 1, 258), '9003010201']),
    answers('MQTT-3.9.3-2', 'a filter that is not granted gets 0x80', [subscribe('$share/g/a', 1, 3), '9003000380']),
    answers('MQTT-3.10.4-4', 'UNSUBACK has the identifier', [packet(0xa2, id(515), field('a')), 'b0020203']),
    answers('MQTT-3.12.4-1', 'PINGREQ gets PINGRESP', [packet(0xc0), 'd000']),
    answers('MQTT-4.3.2-2', 'QoS 1 gets PUBACK with the identifier', [publish('a', 'x', { qos: 1, n: 772 }), '40020304']),
    answers('MQTT-4.3.3-2', 'QoS 2 gets PUBREC with the identifier', [publish('a', 'x', { qos: 2, n: 5 }), '50020005']),
    answers('MQTT-4.3.3-2', 'PUBREL gets PUBCOMP, also when it comes again', [packet(0x62, id(5)), '70020005']),
    answers('MQTT-4.7.2-1', 'a client cannot publish to $ topics: acknowledged, and nobody gets it', [
      publish('$SYS/a', 'x', { qos: 1, n: 9 }),
      '40020009',
    ]),
  ]
}

/** What reaches others. Each case has topics of its own. */
function delivered(broker: Broker): Clause[] {
  let cases = 0
  const to = (clause: string, says: string, run: (topic: string) => Promise<void>): Clause => ({
    id: clause,
    says,
    holds: () => run(`case/${++cases}`),
  })
  const next = async (raw: RawConnection) => {
    const head = await Promise.race([raw.receive(2), pause(1000).then(() => Buffer.of(0, 0))])
    return { first: head[0]!, body: head[1]! > 0 ? await raw.receive(head[1]!) : Buffer.of() }
  }
  const subscribed = async (filter: string, qos = 1, connecting: Connecting = {}) => {
    const raw = await client(broker, connecting)
    raw.socket.write(subscribe(filter, qos))
    await raw.receive(5)
    return raw
  }
  const sent = async (bytes: Buffer) => {
    const raw = await client(broker)
    raw.socket.write(bytes)
    await pause(50)
    return raw
  }
  const session = (clientId: string) => ({ clientId, flags: 0 })
  return [
    to('MQTT-3.2.2-2', 'session present: 0 in a new session, 1 in a kept one', async (topic) => {
      const raws = [await openRaw(broker.port), await openRaw(broker.port)]
      for (const [n, raw] of raws.entries()) {
        raw.socket.write(connect(session(topic)))
        const connack = hex(await raw.receive(4))
        expectThat(connack === `20020${n}00`, connack)
        raw.socket.write(subscribe(topic, 1))
        await raw.receive(5)
        raw.socket.write(packet(0xe0))
        await raw.untilClosed()
      }
    }),
    to('MQTT-3.1.4-2', 'a client id is taken over by its newest connection', async (topic) => {
      const former = await client(broker, { clientId: topic })
      await client(broker, { clientId: topic })
      expectThat((await former.untilClosed(1000)).isClosed, 'both are open')
    }),
    to('MQTT-3.1.2-24', 'one and a half keep-alive times of silence end the connection', async () => {
      const raw = await client(broker, { keepAlive: 1 })
      expectThat((await raw.untilClosed(2500)).isClosed, 'it is open')
    }),
    to('MQTT-3.1.2-8', 'the will of a connection that is cut is published', async (topic) => {
      const reader = await subscribed(topic)
      const raw = await client(broker, { flags: 6, rest: [field(topic), field('gone')] })
      raw.socket.destroy()
      expectThat(hex((await next(reader)).body).endsWith(hex(Buffer.from('gone'))), 'nothing')
    }),
    to('MQTT-3.1.2-10', 'and not after DISCONNECT', async (topic) => {
      const reader = await subscribed(topic)
      const raw = await client(broker, { flags: 6, rest: [field(topic), field('gone')] })
      raw.socket.write(packet(0xe0))
      expectThat((await next(reader)).first === 0, 'it was published')
    }),
    to('MQTT-3.3.1-8', 'a new subscription gets the retained message with RETAIN 1', async (topic) => {
      await sent(publish(topic, 'x', { retain: 1 }))
      expectThat(((await next(await subscribed(topic))).first & 1) === 1, 'RETAIN 0')
    }),
    to('MQTT-3.3.1-9', 'who is subscribed already gets it with RETAIN 0', async (topic) => {
      const reader = await subscribed(topic)
      await sent(publish(topic, 'x', { retain: 1 }))
      const { first } = await next(reader)
      expectThat(first >> 4 === 3 && (first & 1) === 0, first)
    }),
    to('MQTT-3.3.1-10', 'an empty payload removes it', async (topic) => {
      await sent(Buffer.concat([publish(topic, 'x', { retain: 1 }), publish(topic, '', { retain: 1 })]))
      expectThat((await next(await subscribed(topic))).first === 0, 'it is there')
    }),
    to('MQTT-3.8.4-6', 'a message has at most the QoS that was granted', async (topic) => {
      const reader = await subscribed(topic, 1)
      await sent(publish(topic, 'x', { qos: 2 }))
      const { first } = await next(reader)
      expectThat(first === 0x32, first)
    }),
    to('MQTT-3.10.4-2', 'nothing more comes after UNSUBACK', async (topic) => {
      const reader = await subscribed(topic)
      reader.socket.write(packet(0xa2, id(2), field(topic)))
      await reader.receive(4)
      await sent(publish(topic, 'x'))
      expectThat((await next(reader)).first === 0, 'a message came')
    }),
    to('MQTT-4.4.0-1', 'what was not acknowledged comes again, with its identifier and DUP', async (topic) => {
      const reader = await subscribed(topic, 1, session(topic))
      await sent(publish(topic, 'x', { qos: 1 }))
      const before = await next(reader)
      reader.socket.destroy()
      await pause(50)
      const again = await next(await client(broker, session(topic)))
      expectThat(again.first === 0x3a && again.body.equals(before.body), again.first)
    }),
    to('MQTT-4.6.0-6', 'messages keep their order', async (topic) => {
      const reader = await subscribed(topic, 1)
      await sent(Buffer.concat([1, 2, 3, 4].map((n) => publish(topic, `${n}`, { qos: 1, n }))))
      const order = [await next(reader), await next(reader), await next(reader), await next(reader)]
      expectThat(order.map(({ body }) => String.fromCharCode(body.at(-1)!)).join('') === '1234', 'another order')
    }),
    ...acknowledgements(to, { subscribed, sent, next }),
  ]
}

interface Hands {
  subscribed(filter: string, qos?: number, connecting?: Connecting): Promise<RawConnection>
  sent(bytes: Buffer): Promise<RawConnection>
  next(raw: RawConnection): Promise<{ first: number; body: Buffer }>
}

type To = (clause: string, says: string, run: (topic: string) => Promise<void>) => Clause

/** Each wrong acknowledgement ends the connection. */
function acknowledgements(to: To, { subscribed, sent, next }: Hands): Clause[] {
  const wrong = (clause: string, says: string, qos: number, firsts: number[]) =>
    to(clause, says, async (topic) => {
      const reader = await subscribed(topic, 2)
      await sent(publish(topic, 'x', { qos }))
      const { body } = await next(reader)
      const at = 2 + body.readUInt16BE(0)
      for (const first of firsts) {
        reader.socket.write(packet(first, body.subarray(at, at + 2)))
        await pause(50)
      }
      expectThat((await reader.untilClosed(500)).isClosed, 'the connection stays')
    })
  return [
    wrong('MQTT-4.3.2-1', 'PUBREC does not acknowledge QoS 1', 1, [0x50]),
    wrong('MQTT-4.3.2-1', 'PUBCOMP does not acknowledge QoS 1', 1, [0x70]),
    wrong('MQTT-4.3.3-1', 'PUBACK does not acknowledge QoS 2', 2, [0x40]),
    wrong('MQTT-4.3.3-1', 'PUBCOMP does not come before PUBREC', 2, [0x70]),
    wrong('MQTT-4.3.3-1', 'PUBACK does not acknowledge PUBREL', 2, [0x50, 0x40]),
  ]
}
