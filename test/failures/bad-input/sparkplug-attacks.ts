/** By a node with a good credential of its own, under its own topics: payloads that are wrong in every way. */

import { nodeMetrics } from '@millrace/contract'
import { encodeNodeBirth, encodeNodeData, encodePayload, type Metric } from '@millrace/contract/sparkplug'
import mqtt, { type MqttClient } from 'mqtt'
import { until } from '../../support/until.ts'
import { type Attack, type Expected, type Field, type Finding, randomBytes, rejected } from './attack.ts'
import { isUndecodable, payloadWithTime, wrongWireTypes } from './sparkplug-bytes.ts'
import { group, passwords } from './system.ts'

const device = 'evil-1'
const dataTopic = `spBv1.0/${group}/DDATA/evil/${device}`
const nodeTopic = `spBv1.0/${group}/NDATA/evil`
const year = (value: number) => Date.UTC(value, 0, 1)

export const sparkplugAttacks: Attack[] = [
  undecodable('truncated payloads', 'good messages cut short', (field) => {
    const whole = good(field)
    return whole.subarray(0, 1 + Math.floor(field.random() * (whole.length - 1)))
  }),
  undecodable('random payloads', '1 to 2,000 random bytes', (field) => randomBytes(field, 1 + Math.floor(field.random() * 2000))),
  undecodable('wrong wire types', 'known fields with the wire type of others', (_field, k) => {
    const all = wrongWireTypes()
    return all[k % all.length]!
  }),
  undecodable(
    'large rubbish',
    '250 kB of random bytes, a tenth of a second apart',
    (field) => Buffer.alloc(250_000, randomBytes(field, 997)),
    { most: 40, quick: 5, apartMs: 100 },
  ),
  metrics('wrong datatypes', 'a Double, a String and a Boolean where an Int16 was declared', [
    { alias: 1, datatype: 'Double', value: 1.5 },
    { alias: 1, datatype: 'String', value: 'ninety-seven' },
    { alias: 1, datatype: 'Boolean', value: true },
    { alias: 1, datatype: 'Int32', value: 70_000 },
  ]),
  metrics('NaN and infinities', 'in a Float and a Double', [
    { alias: 2, datatype: 'Float', value: Number.NaN },
    { alias: 2, datatype: 'Float', value: Number.POSITIVE_INFINITY },
    { alias: 3, datatype: 'Double', value: Number.NEGATIVE_INFINITY },
    { alias: 3, datatype: 'Double', value: Number.NaN },
  ]),
  metrics('unknown aliases', 'aliases that no birth declared', [
    { alias: 998, datatype: 'Double', value: 1 },
    { alias: 999, datatype: 'Double', value: 1 },
  ]),
  {
    name: 'times out of range',
    sends: '1970, the year 3000, -1, 2^63',
    run: (field) => {
      const times = [0n, BigInt(year(3000)), -1n, 2n ** 63n]
      const payloads = repeat(field, 10, 3).flatMap((k) => times.map((t) => payloadWithTime(3, t, k)))
      const half = payloads.length / 2
      return send(field, dataTopic, payloads, { reasons: { PREPARE_TIME: half, PREPARE_READING: half }, lost: payloads.length })
    },
  },
  {
    name: '5,000 bad readings in each message',
    sends: '115 kB a message, 3 messages',
    run: (field) => {
      const many = Array.from(
        { length: 5000 },
        (_, k): Metric => ({ alias: 10_000 + k, timestamp: Date.now(), datatype: 'Double', value: k }),
      )
      const payloads = [0, 1, 2].map((seq) => encodePayload({ timestamp: Date.now(), seq, metrics: many }))
      return send(field, dataTopic, payloads, { reasons: { PREPARE_READING: 3 }, lost: 15_000 })
    },
  },
  {
    name: 'ledger and gap records that are none',
    sends: 'null, lists, texts for numbers, floors without a stream',
    run: (field) => {
      const wrong = [
        '{"f":1',
        'null',
        '[]',
        '{"f":1,"stream":"x","through":"y","devices":{},"floors":{}}',
        '{"f":1,"numbers":[[2,1]]}',
      ]
      const payloads = [nodeMetrics.ledger, nodeMetrics.gap].flatMap((metric) =>
        wrong.map((text, k) => {
          const name = {
            stream: `evil${Math.floor(field.random() * 1e12)}xxxxxxxx`.slice(0, 20),
            number: k + (metric === nodeMetrics.gap ? 100 : 1),
            count: 0,
          }
          return encodeNodeData({ name, metrics: { [metric]: text }, timestamp: Date.now(), seq: k })
        }),
      )
      return send(field, nodeTopic, payloads, { reasons: { PREPARE_PAYLOAD: payloads.length } })
    },
  },
]

/** Declares the hostile node's own device, with good aliases 1 to 3. */
export async function bear(field: Field): Promise<void> {
  const client = await connect(field)
  const at = { timestamp: Date.now() }
  client.publish(`spBv1.0/${group}/NBIRTH/evil`, Buffer.from(encodeNodeBirth({ bdSeq: 0, ...at })))
  const declared: Metric[] = [
    { ...at, name: 'spo2', alias: 1, datatype: 'Int16', value: null },
    { ...at, name: 'temperature', alias: 2, datatype: 'Float', value: null },
    { ...at, name: 'pressure', alias: 3, datatype: 'Double', value: null },
  ]
  await client.publishAsync(
    `spBv1.0/${group}/DBIRTH/evil/${device}`,
    Buffer.from(encodePayload({ ...at, seq: 1, metrics: declared })),
  )
  await client.endAsync()
}

function undecodable(
  name: string,
  sends: string,
  make: (field: Field, k: number) => Uint8Array,
  { most = 200, quick = 50, apartMs = 0 }: { most?: number; quick?: number; apartMs?: number } = {},
): Attack {
  return {
    name,
    sends,
    run: (field) => {
      const payloads = repeat(field, most, quick).map((k) => {
        for (;;) {
          const payload = make(field, k)
          if (isUndecodable(payload)) return payload
        }
      })
      return send(field, dataTopic, payloads, { reasons: { PREPARE_PAYLOAD: payloads.length }, apartMs })
    },
  }
}

/** Each wrong metric stands between two good ones, which must be stored. */
function metrics(name: string, sends: string, wrong: Omit<Metric, 'timestamp'>[]): Attack {
  return {
    name,
    sends: `${sends}; each between two good readings`,
    async run(field) {
      const before = await storedOf(field)
      const rounds = repeat(field, 10, 3).length
      const startMs = Date.now()
      const payloads = Array.from({ length: rounds * wrong.length }, (_, k) => {
        // Its own time for each good reading: what has the same time would collapse.
        const timestamp = startMs - 1000 * rounds * wrong.length + 10 * k
        const good = (shift: number): Metric => ({ alias: 3, timestamp: timestamp + shift, datatype: 'Double', value: k })
        return encodePayload({ timestamp, seq: k % 256, metrics: [good(0), { ...wrong[k % wrong.length]!, timestamp }, good(5)] })
      })
      const expected = { reasons: { PREPARE_READING: payloads.length }, lost: payloads.length }
      const finding = await send(field, dataTopic, payloads, expected)
      const stored = async () => (await storedOf(field)) - before
      await until('good neighbours', async () => (await stored()) >= 2 * payloads.length, { withinMs: 5000 }).catch(() => {})
      const neighbours = await stored()
      return {
        ...finding,
        isHeld: finding.isHeld && neighbours === 2 * payloads.length,
        outcome: `${neighbours} good neighbours stored; ${finding.outcome}`,
      }
    },
  }
}

async function storedOf({ system }: Field): Promise<number> {
  return (await system.api.ledger()).stored[device]?.stored[0] ?? 0
}

async function send(
  field: Field,
  topic: string,
  payloads: Uint8Array[],
  { apartMs = 0, ...expected }: Expected & { apartMs?: number },
): Promise<Finding> {
  const client = await connect(field)
  const finding = await rejected(field, expected, async () => {
    for (const payload of payloads) {
      await client.publishAsync(topic, Buffer.from(payload))
      if (apartMs > 0 && !field.isBurst) await new Promise((resolve) => setTimeout(resolve, apartMs))
    }
  })
  const isWelcome = client.connected
  await client.endAsync()
  return { ...finding, isHeld: finding.isHeld && isWelcome, outcome: `${payloads.length} messages ${finding.outcome}` }
}

function connect({ system }: Field): Promise<MqttClient> {
  const identity = { clientId: 'evil', username: 'evil', password: passwords.evil, reconnectPeriod: 0 }
  return mqtt.connectAsync(`mqtt://127.0.0.1:${system.ports.mqtt}`, identity)
}

function good({ random }: Field): Buffer {
  const timestamp = Date.now()
  const readings = Array.from({ length: 20 }, (): Metric => ({ alias: 3, timestamp, datatype: 'Double', value: random() }))
  return Buffer.from(encodePayload({ timestamp, seq: 1, metrics: readings }))
}

function repeat({ isQuick }: Field, times: number, quick: number): number[] {
  return Array.from({ length: isQuick ? quick : times }, (_, k) => k)
}
