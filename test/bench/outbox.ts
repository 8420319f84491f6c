/** Durable readings a second into the outbox, beside a file with one fsync a reading, on the same disk in the same run. */
import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type Channel, emptyEdgeCounts, type Tally } from '@millrace/contract'
import { openOutbox, outboxSchema, sqliteStorage } from '@millrace/edge-agent/outbox'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'

const channels: Channel[] = Array.from({ length: 10 }, (_, i) => ({
  name: `v${i}`,
  kind: 'number',
  datatype: 'Int32',
  unit: '1',
}))
const devices = Array.from({ length: 10 }, (_, i) => `d${i}`)

export async function openOutboxBench(dir: string): Promise<void> {
  mkdirSync(dir, { recursive: true })
  const context = { clock: systemClock, log: silentLog, metrics: createMetrics() }
  const outbox = await openOutbox(sqliteStorage(join(dir, 'outbox.sqlite')), outboxSchema.parse({ bytesMax: 2 ** 31 }), context)
  for (const device of devices) await outbox.declare(device, channels)
  const durable: number[] = []
  for (let round = 0; round < 5; round++) {
    const startedMs = performance.now()
    const commits = 100
    for (let i = 0; i < commits; i++) await outbox.commit(devices.map((device) => drained(device, round * commits + i)))
    durable.push((commits * devices.length * 100) / ((performance.now() - startedMs) / 1000))
  }
  await outbox.close()
  await wear(dir)

  const file = openSync(join(dir, 'one-by-one'), 'w')
  const startedMs = performance.now()
  let single = 0
  for (; performance.now() - startedMs < 2000; single++) {
    writeSync(file, `{"device":"d0","channel":"v0","t":${Date.now()},"v":${single}}\n`)
    fsyncSync(file)
  }
  closeSync(file)
  const oneByOne = single / 2
  const [low, middle, high] = [Math.min(...durable), durable.toSorted((a, b) => a - b)[2]!, Math.max(...durable)]
  console.log(
    `outbox: ${Math.round(middle)} durable readings a second (${Math.round(low)} to ${Math.round(high)}; 10 devices x 100 readings a commit)`,
  )
  console.log(
    `one fsync a reading: ${Math.round(oneByOne)} a second; ratio ${(middle / oneByOne).toFixed(0)}; target 100,000 a second\n`,
  )
}

/** Bytes written for each reading, with a receipt for each batch soon after: by readings in a commit. */
async function wear(dir: string): Promise<void> {
  for (const [count, of] of [
    [1, 'one device'],
    [10, 'ten devices'],
  ] as const) {
    const metrics = createMetrics()
    const context = { clock: systemClock, log: silentLog, metrics }
    const outbox = await openOutbox(sqliteStorage(join(dir, `wear-${count}.sqlite`)), outboxSchema.parse({}), context)
    for (const device of devices) await outbox.declare(device, channels)
    for (let k = 0; k < 500; k++) {
      await outbox.commit(devices.slice(0, count).map((device) => drained(device, k)))
      outbox.release(outbox.next('live', 1000))
    }
    await outbox.close()
    const { millrace_outbox_written_bytes_total: bytes = 0, millrace_outbox_readings_committed_total: readings = 1 } =
      metrics.values()
    console.log(
      `outbox: ${(bytes / readings).toFixed(1)} bytes written to the disk for each reading, ${of} x 100 readings a commit`,
    )
  }
}

function drained(device: string, k: number) {
  const base = Date.UTC(2026, 0, 1) + k * 100
  const t = Array.from({ length: 10 }, (_, i) => base + i * 10)
  const values = Object.fromEntries(channels.map(({ name }, c) => [name, { t, v: t.map((at) => (at * (c + 1)) % 5000) }]))
  const counts = { ...emptyEdgeCounts(), read: [100, 0] as Tally }
  return { device, columns: { channels: values, waves: {} }, bad: [], counts }
}
