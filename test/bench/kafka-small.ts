/**
 * What few and small records cost on the log on Kafka: CPU of one process, in per cent of a core, while nothing is appended, and
 * with 100 appends of one record a second, by four partitions, each read at once by a reader of the same process, and by one of another log.
 *
 *     node test/bench/kafka-small.ts [seconds] [address of a Kafka]
 */
import { loadavg } from 'node:os'
import { type Log, openKafkaLog } from '@millrace/cloud-processor/log'
import { type Topic, topics } from '@millrace/contract'
import { createMetrics, silentLog } from '@millrace/platform'
import { isMissing, obtain } from '../engines/index.ts'
import { CannotRun, program } from '../support/program.ts'

const seconds = Number(process.argv[2] ?? 5)
const given = process.argv[3]
const partitions = 6
const value = Buffer.from('x'.repeat(150))

await program('kafka-small', async ({ dir, say, atEnd }) => {
  const address = given ?? (await ownKafka(dir, say, atEnd))
  const topicPrefix = `small${Date.now()}.`
  const log = await openKafkaLog(
    { brokers: [address], replicas: 1, partitions, topicPrefix },
    { log: silentLog, metrics: createMetrics() },
  )
  atEnd(() => log.close())
  say(`load ${loadavg()[0]!.toFixed(1)}, ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MB resident`)
  log.heartbeats!.onHeartbeat(() => {})
  // Until the log is closed at the end.
  for (const topic of [topics.raw, topics.timeline])
    for (let partition = 0; partition < partitions; partition++) follow(log, topic, partition).catch(() => {})
  await pause(3)
  await measure('idle', say)
  const beats = setInterval(() => void log.heartbeats!.post(value), 500)
  await measure('with two beats a second', say)
  const ticks = setInterval(() => {
    for (let p = 0; p < partitions; p++) void log.append(topics.raw, p, [{ key: 't', value }])
  }, 1000)
  await measure('with beats and a tick to every partition each second', say)
  clearInterval(ticks)
  clearInterval(beats)
  let waits: number[] = []
  for (const perSecond of [10, 100, 400]) {
    waits = []
    const began = performance.now()
    let sent = 0
    const appends = setInterval(() => {
      while (sent < ((performance.now() - began) / 1000) * perSecond) {
        const at = performance.now()
        void log.append(topics.raw, sent++ % 4, [{ key: 'k', value }]).then(() => waits.push(performance.now() - at))
      }
    }, 1000 / perSecond)
    const cpu = await measure(`${perSecond} appends of one record a second`, say)
    clearInterval(appends)
    waits.sort((a, b) => a - b)
    const at = (p: number) => waits[Math.floor(p * waits.length)]?.toFixed(1)
    say(`   ${((cpu * 1000) / perSecond).toFixed(3)} ms of CPU each; durable after p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`)
  }
  say(`load ${loadavg()[0]!.toFixed(1)}, ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MB resident`)
})

async function ownKafka(dir: string, say: (line: string) => void, atEnd: (call: () => unknown) => void): Promise<string> {
  const kafka = await obtain('kafka', { dir }, say)
  if (isMissing(kafka)) throw new CannotRun(kafka.missing)
  atEnd(() => kafka.stop())
  return kafka.address
}

async function follow(log: Log, topic: Topic, partition: number): Promise<void> {
  let ring = () => {}
  log.onAppend(topic, (changed) => changed === partition && ring())
  for (let next = 0; ; ) {
    const rung = new Promise<void>((resolve) => {
      ring = resolve
    })
    const records = await log.read(topic, partition, next, { records: 500, bytes: 4 << 20 })
    if (records.length === 0) await rung
    else next = records.at(-1)!.offset + 1
  }
}

async function measure(what: string, say: (line: string) => void): Promise<number> {
  const before = process.cpuUsage()
  const began = performance.now()
  await pause(seconds)
  const { user, system } = process.cpuUsage(before)
  const share = (user + system) / 1e6 / ((performance.now() - began) / 1000)
  say(
    `${what.padEnd(54)} ${(share * 100).toFixed(2)} % of a core (${Math.round(user / 1000)} ms user, ${Math.round(system / 1000)} system)`,
  )
  return share
}

function pause(s: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, s * 1000))
}
