/** By a plain MQTT device, in JSON. */
import mqtt from 'mqtt'
import { type Attack, type Expected, type Field, rejected } from './attack.ts'
import { passwords } from './system.ts'

const good = () => `{"at":${Date.now()},"vitals":{"hr":61},"label":"calm"}`

export const plainAttacks: Attack[] = [
  plain(
    'broken JSON',
    'cut off, not UTF-8, a bare word, nothing, 100,000 brackets',
    { count: 5, reasons: { PREPARE_PAYLOAD: 5 } },
    () => [good().slice(0, -8), Buffer.of(0x22, 0xff, 0x22), 'hello', '', '['.repeat(100_000)],
  ),
  plain(
    'JSON of wrong types',
    'a text for a number, a number for a text, 1e999, a list, an object',
    { count: 5, reasons: { PREPARE_READING: 5 }, lost: 5 },
    () => {
      const at = Date.now()
      return [
        `{"at":${at},"vitals":{"hr":"fast"}}`,
        `{"at":${at},"label":5}`,
        `{"at":${at},"vitals":{"hr":1e999}}`,
        `{"at":${at},"vitals":{"hr":[61]}}`,
        `{"at":${at},"vitals":{"hr":{"__proto__":61}}}`,
      ]
    },
  ),
  plain(
    'JSON with bad times',
    '1970, the year 3000, negative, a word, none',
    { count: 5, reasons: { PREPARE_TIME: 3, PREPARE_READING: 2 }, lost: 5 },
    () => [
      '{"at":5,"vitals":{"hr":61}}',
      `{"at":"3000-01-01T00:00:00Z","vitals":{"hr":61}}`,
      '{"at":-1,"vitals":{"hr":61}}',
      '{"at":"noon","vitals":{"hr":61}}',
      '{"vitals":{"hr":61}}',
    ],
  ),
  plain('JSON with nothing in it', 'no configured path is there', { count: 2, reasons: { PREPARE_PAYLOAD: 2 } }, () => [
    `{"at":${Date.now()},"heart_rate":61}`,
    '{"__proto__":{"vitals":{"hr":61}}}',
  ]),
  plain(
    'JSON on a topic that nobody reads',
    'a good payload',
    { count: 1, reasons: { PREPARE_TOPIC: 1 }, topic: 'plain/p1/elsewhere' },
    () => [good()],
  ),
]

let runs = 0

/** Each round is another device: a repeat would be dropped without a word. */
function plain(
  name: string,
  sends: string,
  { count, reasons, lost, topic }: Expected & { count: number; topic?: string },
  make: () => (string | Buffer)[],
): Attack {
  return {
    name,
    sends: `${sends}; QoS 1`,
    run: async (field: Field) => {
      const rounds = field.isQuick ? 2 : 20
      const run = ++runs
      const times = (n: number) => n * rounds
      const expected: Expected = {
        reasons: Object.fromEntries(Object.entries(reasons).map(([reason, n]) => [reason, times(n)])),
        ...(lost === undefined ? {} : { lost: times(lost) }),
      }
      const identity = { clientId: 'plain-1', username: 'plain', password: passwords.plain, reconnectPeriod: 0 }
      const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${field.system.ports.mqtt}`, identity)
      const finding = await rejected(field, expected, async () => {
        for (let round = 0; round < rounds; round++)
          for (const payload of make()) await client.publishAsync(topic ?? `plain/p${run}-${round}/vitals`, payload, { qos: 1 })
      })
      await client.endAsync()
      return { ...finding, outcome: `${times(count)} messages ${finding.outcome}` }
    },
  }
}
