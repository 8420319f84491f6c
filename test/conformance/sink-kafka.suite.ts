/** Run by sink-kafka.ts. One Kafka for the whole suite, a topic for each place; what is there, kafkajs reads. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sinks } from '@millrace/cloud-processor/sinks'
import { describeSink, type SinkPlace } from '@millrace/cloud-processor/sinks/conformance'
import { topics } from '@millrace/contract'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import kafkajs from 'kafkajs'
import { afterAll, expect, test } from 'vitest'
import { alarm, logged, readingAt, readings, t0 } from '../../cloud-processor/src/sinks/kafka/testing/records.ts'
import { isMissing, obtain } from '../engines/index.ts'
import { readTopic } from '../support/kafkajs-reader.ts'

const { Kafka, logLevel } = kafkajs
const kafka = sinks.find(({ kind }) => kind === 'kafka')!
const writer = fileURLToPath(new URL('../../cloud-processor/src/sinks/kafka/testing/writer.ts', import.meta.url))
const context = () => ({ dataDir: '', logger: silentLog, metrics: createMetrics(), clock: systemClock })
let running: ReturnType<typeof start> | undefined
const started = () => (running ??= start())
let places = 0

afterAll(async () => {
  await (await running)?.stop()
})

const open = (config: object) => kafka.open(kafka.schema.parse(config) as never, context())

describeSink('kafka', async (): Promise<SinkPlace> => {
  const { engine, makeTopic } = await started()
  const topic = await makeTopic({ partitions: 3, bytesMax: 100_000 })
  const config = { kind: 'kafka', brokers: [engine.address], topics: { readings: topic }, requestMs: 1000 }
  return {
    open: () => open(config),
    topic: topics.timeline,
    record: readingAt,
    poison: (offset) => [
      { ...readingAt(offset), value: Buffer.from('{"f":1,"k":"readings",') },
      // More than the topic takes, and more than a batch may hold.
      logged(offset + 1, readings({ note: { t: [t0], v: ['x'.repeat(200_000)] } })),
      logged(offset + 2, readings({ note: { t: [t0], v: ['x'.repeat(2_000_000)] } })),
    ],
    async found() {
      const messages = await readTopic({ brokers: [engine.address] }, topic)
      return messages.map(({ value, headers }) => ({ id: headers.ce_id!, offset: JSON.parse(`${value}`).timeMs - t0 }))
    },
    down: () => engine.kill(),
    up: () => engine.restart(),
    writer: [writer, JSON.stringify(config)],
    remove: async () => {},
  }
})

test('an alarm is a CloudEvent under its subject, and all of a subject in one partition', async () => {
  const { engine, makeTopic } = await started()
  const topic = await makeTopic({ partitions: 3 })
  const sink = await open({ kind: 'kafka', brokers: [engine.address], topics: { alarms: topic }, compression: 'gzip' })
  expect(sink.topics).toEqual([topics.alarms])
  const subjects = ['patient 1', 'Patientin Öztürk', 'bed-9']
  const records = Array.from({ length: 30 }, (_, k) => logged(k, alarm({ subject: subjects[k % 3]!, atMs: t0 + k })))
  expect(await sink.write('log-a', topics.alarms, 0, records)).toEqual([])
  await sink.close()
  const messages = await readTopic({ brokers: [engine.address] }, topic)
  for (const subject of subjects) {
    const own = messages.filter(({ key }) => key === subject)
    const times = own.map(({ value }) => JSON.parse(`${value}`).timeMs)
    expect([own.length, new Set(own.map(({ partition }) => partition)).size, times]).toEqual([10, 1, times.toSorted()])
    expect(own[0]!.headers).toMatchObject({
      ce_specversion: '1.0',
      ce_type: 'millrace.alarm.v1',
      ce_subject: subject,
      ce_partitionkey: subject,
    })
  }
})

test('setup makes the topics that are missing, as often as it is called', async () => {
  const { engine } = await started()
  const name = `setup-${process.pid}`
  const config = kafka.schema.parse({
    kind: 'kafka',
    brokers: [engine.address],
    topics: { readings: `${name}.r`, alarms: `${name}.a` },
  })
  const said: string[] = []
  await kafka.setUp!(config as never, context(), (text) => said.push(text))
  await kafka.setUp!(config as never, context(), (text) => said.push(text))
  expect(said.toSorted()).toEqual(
    [
      `topic ${name}.a with 1 partitions is made`,
      `topic ${name}.a with 1 partitions is there`,
      `topic ${name}.r with 1 partitions is made`,
      `topic ${name}.r with 1 partitions is there`,
    ].toSorted(),
  )
})

test('a topic that is not there is waited for', async () => {
  const { engine, makeTopic } = await started()
  const name = `late-${process.pid}`
  const sink = await open({ kind: 'kafka', brokers: [engine.address], topics: { readings: name } })
  const write = () => sink.write('log-a', topics.timeline, 0, [readingAt(0)])
  await expect(write()).rejects.toMatchObject({ code: 'STORE_WRITE', retry: true, message: expect.stringMatching(/late-/) })
  await makeTopic({ name, partitions: 1 })
  expect(await write()).toEqual([])
  await sink.close()
})

test('behind TLS and a login it writes with the right password, and goes on when the file has another', async ({ skip }) => {
  const { engine, dir, makeTopic } = await started()
  if (!engine.secure) return skip('this Kafka was started by another program')
  const { address, caFile, username, password } = engine.secure
  const topic = await makeTopic({ partitions: 1 })
  const passwordFile = join(dir, 'sink-password')
  writeFileSync(passwordFile, 'wrong\n')
  const sasl = { mechanism: 'SCRAM-SHA-512', username, passwordFile }
  const sink = await open({ kind: 'kafka', brokers: [address], topics: { readings: topic }, tls: { caFile }, sasl })
  const write = () => sink.write('log-a', topics.timeline, 0, [readingAt(0)])
  await expect(write()).rejects.toMatchObject({ code: 'STORE_WRITE', message: expect.stringMatching(/uthentication/) })
  writeFileSync(passwordFile, `${password}\n`)
  expect(await write()).toEqual([])
  await sink.close()
  expect(await readTopic({ brokers: [engine.address] }, topic)).toHaveLength(1)
})

async function start() {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-sink-kafka-'))
  const engine = await obtain('kafka', { dir, security: true })
  if (isMissing(engine)) throw new Error(engine.missing)
  const admin = () => new Kafka({ brokers: [engine.address], clientId: 'suite', logLevel: logLevel.NOTHING }).admin()
  return {
    engine,
    dir,
    async makeTopic({
      name = `sink${process.pid}-${++places}`,
      partitions,
      bytesMax = 1_000_000,
    }: {
      name?: string
      partitions: number
      bytesMax?: number
    }) {
      const client = admin()
      await client.connect()
      const configEntries = [{ name: 'max.message.bytes', value: `${bytesMax}` }]
      await client.createTopics({ topics: [{ topic: name, numPartitions: partitions, configEntries }], waitForLeaders: true })
      await client.disconnect()
      return name
    },
    async stop() {
      await engine.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
