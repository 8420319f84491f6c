/**
 * Plain MQTT devices with QoS 1 through Mosquitto into the log, beside a bare mqtt.js subscriber in the same run: messages a second
 * until all are durable, and CPU-seconds per million readings of the subscriber.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { isMissing, obtain } from '../engines/index.ts'
import { type Child, startChild, usage } from './processes.ts'

/** Readings in a message, and how many messages. */
const loads = [
  [1, 100_000],
  [10, 50_000],
  [100, 20_000],
] as const

export async function plainBench(dir: string, kafka: string | undefined, roots: string[]): Promise<Record<string, string>[]> {
  const rows: Record<string, string>[] = []
  for (const [readings, messages] of loads)
    for (const subject of ['bare plain', 'plain', ...(kafka ? ['plain kafka'] : [])])
      for (const root of subject === 'bare plain' ? roots.slice(0, 1) : roots) {
        const { perSecond, cpu } = await measure({ dir, kafka, root, subject, readings, messages })
        const where = roots.length > 1 && subject !== 'bare plain' ? `${subject} of ${root}` : subject
        const figures = { 'messages/s': perSecond.toFixed(0), 'CPU s per million readings': cpu.toFixed(2) }
        rows.push({ subject: where, 'readings a message': `${readings}`, ...figures })
      }
  return rows
}

interface Run {
  dir: string
  kafka: string | undefined
  root: string
  subject: string
  readings: number
  messages: number
}

async function measure({ dir, kafka, root, subject, readings, messages }: Run) {
  const own = join(dir, `plain-${performance.now()}`)
  mkdirSync(own, { recursive: true })
  const broker = await obtain('mosquitto', { dir: own, config: mosquittoLines } as Parameters<typeof obtain>[1], console.log)
  if (isMissing(broker)) throw new Error(broker.missing)
  const log = { kind: 'kafka', brokers: [kafka], partitions: 1, replicas: 1, topicPrefix: `plain${Date.now()}.` }
  const context = JSON.stringify({ url: `mqtt://${broker.address}`, dir: own, log })
  const child = await startChild(join(root, 'test/bench/subjects.ts'), [subject, context], /ready/)
  const before = usage(child.pid)
  const startedMs = performance.now()
  const port = broker.address.split(':').at(-1)!
  const load = await startChild(join(import.meta.dirname, 'plain-publishers.ts'), [port, `${messages}`, `${readings}`])
  await Promise.all([load.ended, taken(child, messages)])
  const seconds = (performance.now() - startedMs) / 1000
  const cpu = ((usage(child.pid).cpuS - before.cpuS) * 1e6) / (messages * readings)
  await child.stop()
  await broker.stop()
  return { perSecond: messages / seconds, cpu }
}

/** As broker/README.md recommends for bridges: a window of a thousand, and a queue for a bridge that is behind. */
const mosquittoLines = ['max_inflight_messages 1000', 'max_queued_messages 0', 'set_tcp_nodelay true']

/** A subject says four times a second how many messages it has taken. */
async function taken(child: Child, messages: number): Promise<void> {
  const seen = () => Number([...child.text().matchAll(/taken (\d+)/g)].at(-1)?.[1] ?? 0)
  for (let waited = 0; seen() < messages; waited++) {
    if (waited > 600) throw new Error(`only ${seen()} of ${messages} messages arrived in 60 s`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
