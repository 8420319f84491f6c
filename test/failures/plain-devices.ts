/**
 * Plain MQTT devices through everything, while broker and processor are killed: `node test/failures/plain-devices.ts [--seconds 30 --window 1 --log kafka]`
 *
 * A device for each codec publishes QoS 1, at most `--window` at a time, and sends again what got no PUBACK. Broker and processor are real
 * processes that are killed in turn, at times both are down; with `--log kafka` a real Kafka too. Whatever got its PUBACK must be stored once, value for value; a bad record in every tenth message
 * is rejected alone.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { addUser } from '@millrace/broker/broker'
import { readArguments } from '@millrace/platform'
import { freePort } from '@millrace/platform/testing/free-port'
import { encode } from 'cborg'
import { openApi } from 'millrace'
import mqtt from 'mqtt'
import { isMissing, obtain } from '../engines/index.ts'
import { createRandom } from '../simulation/random.ts'
import { readTopic } from '../support/log-pages.ts'
import { CannotRun, type Program, program } from '../support/program.ts'
import { serviceIn } from '../support/service.ts'
import { until } from '../support/until.ts'

const { values } = readArguments(
  { call: 'npm run break -- plain-devices' },
  {
    seconds: { type: 'string', default: '30' },
    window: { type: 'string', default: '1' },
    log: { type: 'string', default: 'embedded' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
  },
)
const password = 'only-for-this-test'
const everyMs = 4

/** Two readings 1 ms apart, and in a bad message a record between them that cannot be read. */
type Payload = (t: number, n: number, isBad: boolean) => string | Uint8Array
const codecs: Record<string, { payload: Payload; path: string; time?: string }> = {
  json: {
    path: 'v',
    time: 't',
    payload: (t, n, isBad) => JSON.stringify([{ t, v: n }, ...(isBad ? [{ t, v: 'x' }] : []), { t: t + 1, v: n + 0.5 }]),
  },
  'senml-json': {
    path: 'v',
    payload: (t, n, isBad) =>
      JSON.stringify([{ n: 'v', t: t / 1000, v: n }, ...(isBad ? [{ n: 'v' }] : []), { n: 'v', t: (t + 1) / 1000, v: n + 0.5 }]),
  },
  'senml-cbor': {
    path: 'v',
    payload(t, n, isBad) {
      const record = (at: number, v: number) =>
        new Map<number, unknown>([
          [0, 'v'],
          [6, at / 1000],
          [2, v],
        ])
      return encode([record(t, n), ...(isBad ? [new Map([[0, 'v']])] : []), record(t + 1, n + 0.5)])
    },
  },
  'influx-line': {
    path: 'm.v',
    payload: (t, n, isBad) => `m v=${n} ${t}000000\n${isBad ? 'm v= 1\n' : ''}m v=${n}.5 ${t + 1}000000`,
  },
}

await program('plain-devices', async (test) => {
  const random = createRandom(Number(values.seed), 'plain')
  test.say(`seed ${values.seed}`)
  const path = (name: string) => join(test.dir, name)
  const [brokerPort, webPort] = [await freePort(), await freePort()]
  const url = `mqtt://127.0.0.1:${brokerPort}`
  const scrypt = { N: 16, r: 1, p: 1 }
  await addUser(path('users'), { name: 'devices', password, role: 'device', args: ['plain'], cost: scrypt })
  await addUser(path('users'), { name: 'processor', password, role: 'host', args: ['millrace', 'plain/#'], cost: scrypt })
  const plain = Object.entries(codecs).map(([codec, { path, time }]) => {
    return { filter: `plain/${codec}`, codec, channels: [{ name: 'v', path }], ...(time ? { time } : {}) }
  })
  const kafka = values.log === 'kafka' ? await startKafka(test) : undefined
  const log = kafka && { kind: 'kafka', brokers: [kafka.address], partitions: 1, replicas: 1, requestMs: 3000 }
  const run = serviceIn(test)
  const broker = run(
    'broker',
    '@millrace/broker/main',
    { listen: { port: brokerPort }, users: path('users'), store: { path: path('sessions.sqlite') } },
    /"listening"/,
  )
  const processor = run(
    'processor',
    '@millrace/cloud-processor/main',
    {
      dataDir: path('processor'),
      bridge: { url, username: 'processor', password, plain: ['plain/#'] },
      prepare: { plain },
      ...(log ? { log } : {}),
      web: { port: webPort },
    },
    /"processor ready"/,
  )
  await broker.start()
  await processor.start()
  const api = openApi(`http://127.0.0.1:${webPort}/`)
  // Before its session is there nobody is owed anything.
  await until('the bridge has its session', () =>
    /millrace-processor[^"]*-plain/.test(readFileSync(path('processor.log'), 'utf8')),
  )
  await new Promise((resolve) => setTimeout(resolve, 1000))

  const sent: Record<string, { t: number; n: number }[]> = {}
  let isOver = false
  let bad = 0
  let resent = 0
  const devices = Object.entries(codecs).map(async ([codec, { payload }]) => {
    const own: { t: number; n: number }[] = []
    sent[codec] = own
    const client = mqtt.connect(url, { username: 'devices', password, reconnectPeriod: 100, queueQoSZero: false })
    client.setMaxListeners(Number(values.window) + 10)
    client.on('error', () => {})
    test.atEnd(() => client.endAsync(true))
    let n = 0
    let t = Date.now()
    const publishSome = async () => {
      while (!isOver) {
        t = Math.max(Date.now(), t + 2)
        const one = { n: n++, t }
        const isBad = one.n % 10 === 9
        if (isBad) bad++
        const bytes = Buffer.from(payload(one.t, one.n, isBad) as string)
        for (let isThere = false; !isThere; ) {
          isThere = await publish(client, `plain/${codec}`, bytes)
          if (!isThere) resent++
        }
        own.push(one)
        await new Promise((resolve) => setTimeout(resolve, everyMs))
      }
    }
    await Promise.all(Array.from({ length: Number(values.window) }, publishSome))
    await client.endAsync()
  })

  let kills = 0
  const kafkaService = kafka && { kill: () => kafka.kill().then(() => true), start: () => kafka.restart() }
  const choices = [[broker], [processor], [broker, processor], ...(kafkaService ? [[kafkaService], [kafkaService, broker]] : [])]
  for (const endMs = performance.now() + Number(values.seconds) * 1000; performance.now() < endMs || kills < 4; ) {
    await new Promise((resolve) => setTimeout(resolve, 1000 + random.below(3000)))
    const victims = choices[random.below(choices.length)]!
    for (const victim of victims) kills += Number(await victim.kill())
    await new Promise((resolve) => setTimeout(resolve, random.below(1500)))
    for (const victim of victims) await victim.start()
  }
  isOver = true
  await Promise.all(devices)
  const acknowledged = Object.values(sent).flat().length
  test.say(`${acknowledged} messages acknowledged, ${resent} sendings without PUBACK, ${kills} kills`)

  const stored = (codec: string) => api.exportPoints(codec, 'v', 0, Date.now() + 3_600_000)
  for (const [codec, own] of Object.entries(sent)) {
    await until(`${codec} is stored`, async () => (await stored(codec)).length >= 2 * own.length, {
      withinMs: 60_000,
      everyMs: 1000,
    }).catch(() => {})
    const points = await stored(codec)
    const expected = new Map(
      own.flatMap(
        ({ t, n }) =>
          [
            [t, n],
            [t + 1, n + 0.5],
          ] as const,
      ),
    )
    const lost = [...expected].filter(([t, v]) => !points.some((point) => point.t === t && point.v === v)).length
    const doubled = points.length - new Set(points.map(({ t }) => t)).size
    const strange = points.filter(({ t, v }) => expected.get(t) !== v).length
    test.check(
      own.length > 0 && lost === 0 && doubled === 0 && strange === 0,
      `${codec}: ${expected.size} readings of acknowledged messages: ${lost} lost, ${doubled} doubled, ${strange} altered or of nobody`,
    )
  }
  const rejected = (await readTopic(api, 'rejected')).filter(({ record }) => record.reason === 'PREPARE_READING').length
  test.check(rejected === bad && bad > 0, `${rejected} rejections of ${bad} planted bad records`)
  const ledger = await api.ledger()
  test.check(ledger.balanced && ledger.devices.length === 4, `the ledger of ${ledger.devices.length} devices balances`)
  test.check(kills >= 4, `${kills} kills struck`)
})

async function startKafka({ dir, say, atEnd }: Program) {
  const kafka = await obtain('kafka', { dir: join(dir, 'kafka') }, say)
  if (isMissing(kafka)) throw new CannotRun(kafka.missing)
  atEnd(() => kafka.stop())
  return kafka
}

function publish(client: mqtt.MqttClient, topic: string, bytes: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    if (!client.connected) return void setTimeout(() => resolve(false), 50)
    const lost = () => done(false)
    const done = (isThere: boolean) => {
      client.off('close', lost)
      resolve(isThere)
    }
    client.once('close', lost)
    client.publish(topic, bytes, { qos: 1 }, (error) => done(!error))
  })
}
