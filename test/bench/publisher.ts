/** Publishes batches under Millrace names at a steady rate, and measures how long each waits for its receipt. */

import { type BatchName, type Channel, formatBatchName, inRanges, parseReceipt } from '@millrace/contract'
import { declare, decodePayload, encodeBatch, encodeDeviceBirth, encodeNodeBirth } from '@millrace/contract/sparkplug'
import { connect, type MqttClient } from 'mqtt'

export interface LoadOptions {
  url: string
  username?: string
  password?: string
  batch: number
  readingsPerS: number
  seconds: number
  /** False when nobody gives receipts. */
  receipts: boolean
  /** Told in the stream id, so that runs do not meet. */
  name: string
}

export interface LoadResult {
  readings: number
  messages: number
  seconds: number
  unreceipted: number
  p50Ms: number
  p99Ms: number
}

const channelCount = 10
const channels: Channel[] = Array.from({ length: channelCount }, (_, i) => ({
  name: `v${i}`,
  kind: 'number',
  datatype: 'Int32',
  unit: '1',
}))
/** So many that no series repeats a millisecond at any rate of the bench. */
const devices = Array.from({ length: 20 }, (_, d) => `d${d}`)

export async function publishLoad(options: LoadOptions): Promise<LoadResult> {
  const client = await connected(options)
  const node = `b${options.name}`
  const sentMs = new Map<number, number>()
  const waits: number[] = []
  const stream = options.name.replace(/[^0-9a-z]/g, '').padEnd(8, '0')
  client.on('message', (_topic, payload) => {
    const text = decodePayload(payload).metrics[0]?.value
    const receipt = typeof text === 'string' ? parseReceipt(text) : undefined
    const ranges = receipt?.got.get(stream)
    if (!ranges) return
    const now = performance.now()
    for (const [number, at] of sentMs) {
      if (!inRanges(ranges, number)) continue
      waits.push(now - at)
      sentMs.delete(number)
    }
  })
  await client.subscribeAsync(`spBv1.0/bench/NCMD/${node}`, { qos: 1 })
  client.publish(`spBv1.0/bench/NBIRTH/${node}`, encodeNodeBirth({ bdSeq: 0, timestamp: Date.now() }) as Buffer)
  for (const [d, device] of devices.entries()) {
    const declaration = declare(
      device,
      channels.map((channel, c) => ({ alias: aliasOf(d, c), channel })),
    )
    client.publish(
      `spBv1.0/bench/DBIRTH/${node}/${device}`,
      encodeDeviceBirth(declaration, { timestamp: Date.now(), seq: d + 1 }) as Buffer,
    )
  }
  const dueMs = devices.map(() => Date.now())
  const topics = devices.map((device) => `spBv1.0/bench/DDATA/${node}/${device}`)

  const perSecond = options.readingsPerS / options.batch
  const total = Math.round(perSecond * options.seconds)
  const startedMs = performance.now()
  let number = 0
  while (number < total) {
    const due = Math.min(total, Math.ceil(((performance.now() - startedMs) / 1000) * perSecond))
    while (number < due) {
      number++
      if (options.receipts) sentMs.set(number, performance.now())
      const d = number % devices.length
      client.publish(topics[d]!, payloadOf({ stream, number, count: options.batch }, d, dueMs) as Buffer)
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  for (const until = performance.now() + 15_000; sentMs.size > 0 && performance.now() < until; )
    await new Promise((resolve) => setTimeout(resolve, 20))
  const seconds = (performance.now() - startedMs) / 1000
  await client.endAsync()
  waits.sort((a, b) => a - b)
  const at = (p: number) => waits[Math.min(waits.length - 1, Math.floor(p * waits.length))] ?? Number.NaN
  return { readings: total * options.batch, messages: total, seconds, unreceipted: sentMs.size, p50Ms: at(0.5), p99Ms: at(0.99) }
}

function aliasOf(device: number, channel: number): number {
  return device * channelCount + channel + 1
}

/** Its readings over ten channels, rows of one millisecond, each later than the device's last. */
function payloadOf(name: BatchName, device: number, dueMs: number[]): Uint8Array {
  const columns: Record<string, { t: number[]; v: number[] }> = {}
  const used = Math.min(channelCount, name.count)
  const rows = name.count / used
  const base = Math.max(Date.now() - rows, dueMs[device]!)
  dueMs[device] = base + rows
  for (let c = 0; c < used; c++) {
    const column = { t: [] as number[], v: [] as number[] }
    for (let row = 0; row < rows; row++) {
      column.t.push(base + row)
      column.v.push(nextValue())
    }
    columns[`v${c}`] = column
  }
  return encodeBatch({
    name: formatBatchName(name),
    columns: { channels: columns, waves: {} },
    aliasOf: (channel) => aliasOf(device, Number(channel.slice(1))),
    datatypeOf: () => 'Int32',
    timestamp: Date.now(),
    seq: name.number % 256,
    historical: false,
    clock: measured,
  })
}

/** What an agent says of a clock that is right. */
const measured = { offsetMs: 4, uncertaintyMs: 3, sentOffsetMs: 4 }

let value = 0
/** Small steps, as a sensor makes them. */
function nextValue(): number {
  value = (value + 17) % 5000
  return value
}

async function connected({ url, username, password }: LoadOptions): Promise<MqttClient> {
  const client = connect(url, { queueQoSZero: false, ...(username ? { username } : {}), ...(password ? { password } : {}) })
  await new Promise<void>((resolve, reject) => client.once('connect', () => resolve()).once('error', reject))
  ;(client.stream as import('node:net').Socket).setNoDelay(true)
  return client
}
