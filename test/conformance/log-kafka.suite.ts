/** Run by log-kafka.ts. One Kafka for the whole suite, a prefix of topics for each place. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openKafkaLog } from '@millrace/cloud-processor/log'
import { encodeJson, topics } from '@millrace/contract'
import { createMetrics, silentLog } from '@millrace/platform'
import { Admin } from '@platformatic/kafka'
import { afterAll, describe, expect, test } from 'vitest'
import { describeLog, type LogPlace, type LogSettings } from '../../cloud-processor/src/log/conformance.ts'
import { headers as headersSchema } from '../../contract/src/records/headers.ts'
import { isMissing, obtain } from '../engines/index.ts'
import { readTopic } from '../support/kafkajs-reader.ts'

const appender = fileURLToPath(new URL('../../cloud-processor/src/log/kafka/appender.ts', import.meta.url))
let running: ReturnType<typeof start> | undefined
let places = 0

afterAll(async () => {
  await (await running)?.stop()
})

describeLog('kafka', async (): Promise<LogPlace> => {
  running ??= start()
  const { engine, admin } = await running
  const topicPrefix = `t${process.pid}-${++places}.`
  const settings = { brokers: [engine.address], topicPrefix, replicas: 1, partitions: 1 }
  const wipe = async () => {
    const mine = async () => (await admin.listTopics()).filter((name) => name.startsWith(topicPrefix))
    await admin.deleteTopics({ topics: await mine() })
    while ((await mine()).length > 0) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return {
    isShared: true,
    open({ partitions, bytesMax, retentionBytes }: LogSettings = {}) {
      const bound = { bytesMax: retentionBytes }
      const retention = retentionBytes === undefined ? undefined : { raw: bound, timeline: bound, rejected: bound, alarms: bound }
      const times = { requestMs: 500, deliveryMs: 1500 }
      return openKafkaLog(
        { ...settings, ...times, ...(partitions && { partitions }), bytesMax, retention },
        { log: silentLog, metrics: createMetrics() },
      )
    },
    wipe,
    remove: wipe,
    async whileRefusing(work) {
      engine.freeze()
      try {
        return await work()
      } finally {
        engine.resume()
      }
    },
    spawnAppender: () => spawn(process.execPath, [appender, JSON.stringify(settings)], { stdio: ['ignore', 'pipe', 'inherit'] }),
  }
})

describe('another client', () => {
  test.for(['zstd', 'none'] as const)('reads key, value, time and headers as they are published (%s)', async (compression) => {
    running ??= start()
    const { engine } = await running
    const topicPrefix = `o${process.pid}-${compression}.`
    const settings = { brokers: [engine.address], topicPrefix, replicas: 1, partitions: 2, compression }
    const log = await openKafkaLog(settings, { log: silentLog, metrics: createMetrics() })
    const source = { log: log.id, partition: 0, offset: 7, index: 0 }
    const records = Array.from({ length: 300 }, (_, index) => ({
      key: `Bett ${index % 7} ä`,
      value: encodeJson({ f: 1, k: 'tick', atMs: index }),
      source: { ...source, index },
    }))
    const fromMs = Date.now()
    await log.commit({ stage: 'prepare', partition: 0, outputs: [{ topic: topics.timeline, partition: 1, records }] })
    await log.append(topics.raw, 0, [{ key: 'bare', value: Buffer.of(1, 2, 3) }])
    const { end } = await log.bounds(topics.timeline, 1)
    await log.close()

    const found = await readTopic({ brokers: [engine.address] }, `${topicPrefix}timeline`)
    expect(found.map(({ partition, offset }) => [partition, offset])).toEqual(records.map((_, k) => [1, end - 300 + k]))
    expect(found.map(({ key, value }) => [key, `${value}`])).toEqual(
      records.map(({ key, value }) => [key, `${Buffer.from(value)}`]),
    )
    for (const [index, { headers, timeMs }] of found.entries()) {
      const published = { ce_id: `0/7/${index}`, ce_source: `/millrace/${log.id}/timeline`, ce_type: 'millrace.timeline.v1' }
      expect(headersSchema.strict().parse(headers)).toMatchObject({ ...published, ce_millraceindex: `${index}` })
      expect(timeMs).toBeGreaterThanOrEqual(fromMs)
      expect(timeMs).toBeLessThanOrEqual(Date.now())
    }
    const [raw, ...more] = await readTopic({ brokers: [engine.address] }, `${topicPrefix}raw`)
    expect([raw!.key, [...raw!.value], raw!.headers, more]).toEqual(['bare', [1, 2, 3], {}, []])
  })
})

describe('kafka log behind TLS and a login', () => {
  const context = () => ({ log: silentLog, metrics: createMetrics() })
  const settings = async (skip: (why: string) => never, mechanism: 'PLAIN' | 'SCRAM-SHA-512' = 'SCRAM-SHA-512') => {
    running ??= start()
    const { secure } = (await running).engine
    if (!secure) return skip('this Kafka was started by another program')
    const { address, caFile, username, password } = secure
    return {
      brokers: [address],
      tls: { caFile },
      sasl: { mechanism, username, password },
      topicPrefix: `s${process.pid}.`,
      replicas: 1,
      partitions: 1,
      deliveryMs: 2000,
    }
  }

  test.for(['PLAIN', 'SCRAM-SHA-512'] as const)('appends and reads with %s', async (mechanism, { skip }) => {
    const log = await openKafkaLog(await settings(skip, mechanism), context())
    const offset = await log.append('millrace.raw', 0, [{ key: 'k', value: Buffer.from('secret') }])
    expect(`${(await log.read('millrace.raw', 0, offset, { records: 1, bytes: 1 }))[0]!.value}`).toBe('secret')
    await log.close()
  })

  test('says at once that a password is wrong', async ({ skip }) => {
    const right = await settings(skip)
    const wrong = { ...right, deliveryMs: 60_000, sasl: { ...right.sasl, password: 'wrong' } }
    await expect(openKafkaLog(wrong, context())).rejects.toThrow(/LOG_OPEN.*uthentication/)
  })

  test('refuses a certificate of an authority that it does not know', async ({ skip }) => {
    await expect(openKafkaLog({ ...(await settings(skip)), tls: {} }, context())).rejects.toThrow(/LOG_OPEN.*certificate/)
  })
})

async function start() {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-log-kafka-'))
  const engine = await obtain('kafka', { dir, security: true })
  if (isMissing(engine)) throw new Error(engine.missing)
  const admin = new Admin({ clientId: 'suite', bootstrapBrokers: [engine.address] })
  return {
    engine,
    admin,
    async stop() {
      await admin.close()
      await engine.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
