/** Run by log-kafka.ts. One Kafka for the whole suite, a prefix of topics for each place. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openKafkaLog } from '@millrace/cloud-processor/log'
import { createMetrics, silentLog } from '@millrace/contract/service'
import { Admin } from '@platformatic/kafka'
import { afterAll } from 'vitest'
import { describeLog, type LogPlace, type LogSettings } from '../../cloud-processor/src/log/conformance.ts'
import { isMissing, obtain, type RunningEngine } from '../engines/index.ts'

const appender = fileURLToPath(new URL('../../cloud-processor/src/log/kafka/appender.ts', import.meta.url))
let running: Promise<{ engine: RunningEngine; admin: Admin; stop(): Promise<void> }> | undefined
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

async function start() {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-log-kafka-'))
  const engine = await obtain('kafka', { dir })
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
