/** What needs no broker; the rest is test/conformance/sink-kafka.ts. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { topics } from '@millrace/contract'
import { createMetrics, MillraceError, systemClock } from '@millrace/platform'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createDeclared } from '../declared.ts'
import type { Place } from '../sink.ts'
import { kafkaSinkSchema } from './config.ts'
import { type Connection, Unfit } from './connection.ts'
import { openKafkaSink } from './kafka.ts'
import { type Message, messagesOf } from './message.ts'
import { mendRequestQueue } from './request-queue.ts'
import { alarm, declaration, logged, readingAt, readings, t0 } from './testing/records.ts'

const timeline: Place = { log: 'log-a', topic: topics.timeline, partition: 0 }
const config = kafkaSinkSchema.parse({ kind: 'kafka', topics: { readings: 'r', alarms: 'a' }, batchBytesMax: 5000 })
const parsed = (messages: Message[]) => messages.map(({ value, ...rest }) => ({ ...rest, value: JSON.parse(value) }))

function createEncoder(source = '/millrace') {
  const declared = createDeclared()
  return (record: Parameters<typeof messagesOf>[1], place = timeline) => parsed(messagesOf(place, record, { declared, source }))
}

describe('the configuration', () => {
  const faults = (more: object) => {
    const given = { kind: 'kafka', topics: { readings: 'r' }, ...more }
    return kafkaSinkSchema.safeParse(given).error?.issues.map(({ path }) => path.join('.')) ?? []
  }
  test('wants a topic, and TLS beyond loopback unless it is told that this is insecure', () => {
    expect(faults({ topics: {} })).toEqual(['topics'])
    expect(faults({ topics: { alarms: 'a' } })).toEqual([])
    expect(faults({ brokers: ['127.0.0.1:9092', '[::1]:9092', 'localhost:1'] })).toEqual([])
    expect(faults({ brokers: ['127.0.0.1:9092', '127.0.0.1.example:9092'] })).toEqual(['brokers'])
    expect(faults({ brokers: ['kafka.example:9092'], tls: {} })).toEqual([])
    expect(faults({ brokers: ['kafka.example:9092'], insecurePlaintext: true })).toEqual([])
  })
})

describe('a message', () => {
  test('of a reading is as the README shows it', () => {
    const encode = createEncoder()
    encode(logged(1, declaration))
    const [{ timestamp, ...message }] = encode(logged(2, readings({ spo2: { t: [t0 + 250], v: [97] } }))) as [
      ReturnType<typeof encode>[0],
    ]
    const readme = readFileSync(new URL('./README.md', import.meta.url), 'utf8')
    expect(message).toEqual(JSON.parse(/```json\n(.*?)```/s.exec(readme)![1]!))
    expect(timestamp).toBe(`${t0 + 500}`)
  })

  test('has its value in the declared unit, and its quality by name', () => {
    const encode = createEncoder()
    encode(logged(1, declaration))
    const values = encode(logged(2, readings({ temperature: { t: [t0, t0 + 1], v: [369, 3], q: [0, 2] } }))).map(
      ({ value }) => value,
    )
    expect(values).toMatchObject([
      { value: 36.9, unit: 'Cel', quality: 'good' },
      { value: 0.3, unit: 'Cel', quality: 'bad' },
    ])
  })

  test('of a waveform is one for each segment', () => {
    const encode = createEncoder()
    encode(logged(1, declaration))
    const segments = [0, 40].map((from) => ({ t: t0 + from, i: 20, v: [1000, 1500] }))
    const messages = encode(logged(2, readings({}, { pleth: segments })))
    expect(messages.map(({ headers, value }) => [headers.ce_type, value.timeMs, value.intervalMs, value.samples])).toEqual([
      ['millrace.waveform.v1', t0, 20, [0, 0.5]],
      ['millrace.waveform.v1', t0 + 40, 20, [0, 0.5]],
    ])
  })

  test('of an undeclared channel gives the raw number under another name', () => {
    const waves = { pleth: [{ t: t0, i: 20, v: [7] }] }
    const [reading, wave] = createEncoder()(logged(2, readings({ spo2: { t: [t0], v: [97] } }, waves))).map(({ value }) => value)
    expect(reading).toMatchObject({ raw: 97, quality: 'good' })
    expect(wave).toMatchObject({ rawSamples: [7], intervalMs: 20 })
    expect([reading, wave].flatMap(Object.keys).filter((name) => ['value', 'samples', 'unit'].includes(name))).toEqual([])
  })

  test('of an alarm has what changed, and no other record of its topic makes one', () => {
    const place = { ...timeline, topic: topics.alarms }
    const encode = createEncoder('urn:ward')
    const [message] = encode(logged(7, alarm()), place)
    expect(message!.headers).toMatchObject({
      ce_type: 'millrace.alarm.v1',
      ce_source: 'urn:ward',
      ce_id: 'millrace.alarms:log-a:0:7:0:0',
    })
    expect(message!.value).toMatchObject({
      id: `low/bed-1/spo2/${t0}`,
      change: 'raised',
      value: 84,
      time: '2026-10-01T12:00:00.000Z',
    })
    expect(encode(logged(8, { f: 1, k: 'notification', key: 'k', alarm: alarm() }), place)).toEqual([])
    expect(encode(logged(9, { f: 1, k: 'tick', atMs: t0 }))).toEqual([])
  })

  test('has an id that no other has, and the same one when its record comes again elsewhere', () => {
    const columns = fc.array(fc.array(fc.integer(), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(columns, fc.nat(1e6), (made, offset) => {
        const channels = Object.fromEntries(made.map((v, k) => [`c${k}`, { t: v.map((_, n) => t0 + n), v }]))
        const record = logged(offset, readings(channels))
        const ids = createEncoder()(record).map(({ headers }) => headers.ce_id)
        expect(new Set(ids).size).toBe(made.flat().length)
        expect(createEncoder()({ ...record, offset: offset + 9 }).map(({ headers }) => headers.ce_id)).toEqual(ids)
        const neighbour = createEncoder()(logged(offset + 1, readings(channels))).map(({ headers }) => headers.ce_id)
        expect(neighbour.filter((id) => ids.includes(id))).toEqual([])
      }),
    )
  })
})

/** A broker that takes what `isFit` says. */
function createSink(isFit: (message: Message) => boolean = () => true) {
  const sent: Message[][] = []
  const connection: Connection = {
    async send(_topic, messages) {
      if (!messages.every(isFit)) throw new Unfit('too large')
      sent.push(messages)
    },
    close: async () => {},
  }
  return { sent, opened: openKafkaSink(config, { metrics: createMetrics(), clock: systemClock }, connection) }
}
const range = (from: number, count: number) => Array.from({ length: count }, (_, k) => readingAt(from + k))
const offsetsOf = (messages: Message[]) => messages.map(({ value }) => JSON.parse(value).timeMs - t0)

describe('the sink', () => {
  test('cuts batches at batchBytesMax and keeps the order', async () => {
    const { sent, opened } = createSink()
    expect(await (await opened).write('log-a', topics.timeline, 0, range(0, 50))).toEqual([])
    expect(sent.length).toBeGreaterThan(4)
    expect(offsetsOf(sent.flat())).toEqual(range(0, 50).map(({ offset }) => offset))
  })

  test('halves a refused batch until it has found the one, and writes the others once', async () => {
    const { sent, opened } = createSink(({ value }) => JSON.parse(value).timeMs !== t0 + 13)
    const refused = await (await opened).write('log-a', topics.timeline, 0, range(0, 30))
    expect(refused).toMatchObject([
      { offset: 13, rejected: { reason: 'SINK_RECORD_REFUSED', detail: expect.stringMatching(/:13:0:0: too large/) } },
    ])
    expect(offsetsOf(sent.flat())).toEqual(
      range(0, 30)
        .map(({ offset }) => offset)
        .filter((offset) => offset !== 13),
    )
  })

  test('refuses what cannot be read or is larger than a batch, alone', async () => {
    const { sent, opened } = createSink()
    const broken = { ...readingAt(5), value: Buffer.from('{"f":1,"k":"readings",') }
    const wild = logged(6, readings({ spo2: { t: [1e30], v: [1] } }))
    const large = logged(7, readings({ note: { t: [t0], v: ['x'.repeat(6000)] } }))
    const refused = await (await opened).write('log-a', topics.timeline, 0, [readingAt(4), broken, wild, large, readingAt(8)])
    expect(refused.map(({ offset }) => offset)).toEqual([5, 6, 7])
    expect(offsetsOf(sent.flat())).toEqual([4, 8])
  })

  test('knows after a restart what was declared before it', async () => {
    const before = await createSink().opened
    await before.write('log-a', topics.timeline, 3, [logged(1, declaration)])
    const { sent, opened } = createSink()
    const after = await opened
    after.memory!.restore(topics.timeline, 3, JSON.parse(JSON.stringify(before.memory!.save(topics.timeline, 3))))
    await after.write('log-a', topics.timeline, 3, [logged(2, readings({ temperature: { t: [t0], v: [369] } }))])
    expect(JSON.parse(sent[0]![0]!.value)).toMatchObject({ value: 36.9, unit: 'Cel' })
  })

  test('lets everything else be tried again', async () => {
    const down: Connection = { send: () => Promise.reject(new MillraceError('STORE_WRITE')), close: async () => {} }
    const sink = await openKafkaSink(config, { metrics: createMetrics(), clock: systemClock }, down)
    await expect(sink.write('log-a', topics.timeline, 0, range(0, 3))).rejects.toMatchObject({ code: 'STORE_WRITE', retry: true })
  })
})

test('kafkajs polls an empty queue without end, and stops once that is mended', async () => {
  const Queue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue')
  const looks = async (atMostMs: number) => {
    let count = 0
    const queue = new Queue({
      maxInFlightRequests: null,
      requestTimeout: 1000,
      enforceRequestTimeout: false,
      logger: { debug() {} },
    })
    const look = queue.checkPendingRequests.bind(queue)
    queue.checkPendingRequests = () => {
      count++
      look()
    }
    queue.checkPendingRequests()
    const untilMs = performance.now() + atMostMs
    while (count < 10 && performance.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, 20))
    queue.destroy()
    return count
  }
  expect(await looks(10_000)).toBeGreaterThanOrEqual(10)
  mendRequestQueue()
  expect(await looks(200)).toBe(1)
})
