import { createMetrics, silentLog } from '@millrace/platform'
import { expect, test } from 'vitest'
import { type KafkaLogOptions, kafkaLogSchema } from './config.ts'
import { openKafkaLog } from './kafka.ts'

const open = (options: KafkaLogOptions) =>
  openKafkaLog({ deliveryMs: 1000, ...options }, { log: silentLog, metrics: createMetrics() })

test('a broker that is not on loopback needs TLS, or a switch that says what it does', async () => {
  for (const broker of ['kafka.example:9092', '192.0.2.1:9092', '127.example:9092'])
    await expect(open({ brokers: [broker] })).rejects.toMatchObject({ code: 'LOG_NOT_ENCRYPTED' })
})

test('a Kafka that does not answer is an error after the stated time, with its address', async () => {
  await expect(open({ brokers: ['127.0.0.1:1'] })).rejects.toThrow(/LOG_OPEN.*127\.0\.0\.1:1.*Kafka can be reached/)
})

test('a file that cannot be read is named with its key', async () => {
  await expect(open({ tls: { caFile: '/nowhere/ca.pem' } })).rejects.toThrow(/CONFIG_INVALID.*log\.tls\.caFile.*nowhere/)
})

test('every value has a default, and what cannot work is refused', () => {
  expect(kafkaLogSchema.parse({})).toMatchObject({ replicas: 3, compression: 'zstd' })
  for (const wrong of [
    { brokers: ['no port'] },
    { replicas: 1, minInSyncReplicas: 2 },
    { bytesMax: 1000 },
    { sasl: { username: 'a' } },
    { sasl: { username: 'a', password: 'b', passwordFile: 'c' } },
    { unknown: 1 },
  ])
    expect(kafkaLogSchema.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false)
})
