/**
 * What the log on Kafka costs, beside the producer and the consumer of the client library it stands on, in the same run: CPU-seconds
 * of this process per million records of 1 KiB in appends of 100, acks=all, and the time from an append in one log to the bell in
 * another. Ratios are firm, rates are not.
 */
import { type Log, openKafkaLog } from '@millrace/cloud-processor/log'
import { topics } from '@millrace/contract'
import { createMetrics, silentLog } from '@millrace/platform'
import { Consumer, MessagesStreamModes, Producer } from '@platformatic/kafka'
import { isMissing, obtain } from '../engines/index.ts'
import { CannotRun, program } from '../support/program.ts'

const records = Number(process.argv[2] ?? 100_000)
const each = 100
const text = Array.from({ length: 60 }, (_, k) => `[${1_790_000_000_000 + k * 997},${(k * 7919) % 1000}]`).join()
const value = Buffer.from(text.repeat(2).slice(0, 1024))
const key = 'patient-17'

await program('kafka-clients', async ({ dir, say, atEnd }) => {
  const kafka = await obtain('kafka', { dir }, say)
  if (isMissing(kafka)) throw new CannotRun(kafka.missing)
  atEnd(() => kafka.stop())
  const open = (compression: 'zstd' | 'none') =>
    openKafkaLog(
      { brokers: [kafka.address], replicas: 1, partitions: 1, compression, topicPrefix: `bench-${compression}.` },
      { log: silentLog, metrics: createMetrics() },
    )
  /** In turns, so that a busy moment of the machine meets all. */
  const costs = new Map<string, number[]>()
  const measure = async (name: string, work: () => Promise<void>) => {
    const before = process.cpuUsage()
    await work()
    const { user, system } = process.cpuUsage(before)
    const cost = (user + system) / records
    costs.set(name, [...(costs.get(name) ?? []), cost])
  }

  for (const compression of ['none', 'zstd'] as const) {
    const log = await open(compression)
    atEnd(() => log.close())
    const topic = `bench-${compression}.timeline`
    for (let turn = 0; turn < 3; turn++) {
      const reading = await open(compression)
      const { end } = await reading.bounds(topics.timeline, 0)
      await measure(`${compression}: log, append`, () => append(log))
      await measure(`${compression}: log, read`, () => readFrom(reading, end))
      await reading.close()
      await measure(`${compression}: library, produce`, () => produce(kafka.address, topic, compression))
      await measure(`${compression}: library, consume`, () => consume(kafka.address, topic, end + records))
    }
  }
  for (const [name, [...all]] of costs) {
    all.sort((a, b) => a - b)
    say(`${name.padEnd(24)} ${all.map((cost) => cost.toFixed(1)).join(' / ')} CPU-s per million`)
  }

  const [from, to] = [await open('zstd'), await open('zstd')]
  atEnd(() => Promise.all([from.close(), to.close()]))
  const latencies = (await bells(from, to)).sort((a, b) => a - b)
  say(`append in one log to the bell in another: p50 ${at(latencies, 0.5)} ms, p99 ${at(latencies, 0.99)} ms`)
})

async function append(log: Log): Promise<void> {
  const inFlight = new Set<Promise<unknown>>()
  for (let n = 0; n < records; n += each) {
    const source = { log: '0123456789abcdef0123456789abcdef', partition: 0, offset: n, index: 0 }
    const batch = Array.from({ length: each }, (_, k) => ({ key, value, source: { ...source, offset: n + k } }))
    const one: Promise<unknown> = log.append(topics.timeline, 0, batch).finally(() => inFlight.delete(one))
    inFlight.add(one)
    if (inFlight.size >= 5) await Promise.race(inFlight)
  }
  await Promise.all(inFlight)
}

async function readFrom(log: Log, start: number): Promise<void> {
  for (let next = start; next < start + records; ) {
    const found = await log.read(topics.timeline, 0, next, { records: 500, bytes: 4 << 20 })
    next = found.at(-1)!.offset + 1
  }
}

async function produce(address: string, topic: string, compression: 'zstd' | 'none'): Promise<void> {
  const producer = new Producer({ clientId: 'bench', bootstrapBrokers: [address], idempotent: true, compression })
  const inFlight = new Set<Promise<unknown>>()
  for (let n = 0; n < records; n += each) {
    const messages = Array.from({ length: each }, () => ({ topic, partition: 0, key: Buffer.from(key), value }))
    const one: Promise<unknown> = producer.send({ messages, acks: -1 }).finally(() => inFlight.delete(one))
    inFlight.add(one)
    if (inFlight.size >= 5) await Promise.race(inFlight)
  }
  await Promise.all(inFlight)
  await producer.close()
}

async function consume(address: string, topic: string, from: number): Promise<void> {
  const consumer = new Consumer({ clientId: 'bench', groupId: `bench-${from}`, bootstrapBrokers: [address] })
  const offsets = [{ topic, partition: 0, offset: BigInt(from) }]
  const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.MANUAL, offsets, autocommit: false })
  let left = records
  for await (const _ of stream) if (--left === 0) break
  await consumer.close(true)
}

async function bells(from: Log, to: Log): Promise<number[]> {
  let next = (await to.bounds(topics.alarms, 0)).end
  await to.read(topics.alarms, 0, next, { records: 1, bytes: 1 })
  const latencies: number[] = []
  for (let n = 0; n < 200; n++) {
    const rung = new Promise<void>((resolve) => {
      const stop = to.onAppend(topics.alarms, (_, end) => {
        if (end <= next) return
        stop()
        resolve()
      })
    })
    const startedMs = performance.now()
    await from.append(topics.alarms, 0, [{ key, value }])
    await rung
    latencies.push(performance.now() - startedMs)
    next++
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return latencies
}

function at(sorted: number[], share: number): string {
  return sorted[Math.floor(sorted.length * share)]!.toFixed(1)
}
