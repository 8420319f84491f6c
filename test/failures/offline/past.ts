/**
 * What 50 devices measure while the link is down: the values are a function of device and time, so that each can be compared
 * without a record of it. Time is compressed at the source: the outbox is the agent's own, on the disk, under a clock that
 * goes as fast as it takes commits.
 */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { type Channel, emptyEdgeCounts } from '@millrace/contract'
import { type Drained, type Outbox, openOutbox, outboxSchema, sqliteStorage } from '@millrace/edge-agent/outbox'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'

export const deviceCount = 50
export const channels: Channel[] = [
  { name: 'temperature', kind: 'number', datatype: 'Int32', unit: 'Cel', scale: 0.01 },
  { name: 'humidity', kind: 'number', datatype: 'Int32', unit: '%', scale: 0.1 },
]
/** Between two readings of a channel, and between two commits. */
export const everyMs = 10_000
const commitMs = 60_000

export const deviceName = (k: number) => `far-${k + 1}`

/** The device's own integer. */
export function valueAt(device: number, channel: number, t: number): number {
  const phase = (t / everyMs + 97 * device + 31 * channel) % 8640
  return Math.round(2000 + 500 * Math.sin((2 * Math.PI * phase) / 8640)) + ((t / everyMs) % 7)
}

export interface Produced {
  readings: number
  entries: number
  /** Of the file, and written to the disk in all. */
  fileBytes: number
  writtenBytes: number
  /** Highest heap of the process that owns the outbox. */
  heapMB: number
  seconds: number
}

/** @param days ends where the present begins. */
export async function produce(agentDir: string, fromMs: number, days: number): Promise<Produced> {
  let nowMs = fromMs
  const metrics = createMetrics()
  const path = join(agentDir, 'outbox.sqlite')
  const outbox = await openOutbox(sqliteStorage(path), outboxSchema.parse({ bytesMax: 2 ** 33 }), {
    clock: { ...systemClock, now: () => nowMs },
    log: silentLog,
    metrics,
  })
  for (let k = 0; k < deviceCount; k++) await outbox.declare(deviceName(k), channels)
  const startedMs = performance.now()
  let heapMB = 0
  const commits = Math.floor((days * 86_400_000) / commitMs)
  for (let n = 0; n < commits; n++) {
    await commit(outbox, nowMs)
    nowMs += commitMs
    heapMB = Math.max(heapMB, process.memoryUsage().heapUsed / 1e6)
  }
  const { entries } = outbox.status()
  await outbox.close()
  const { millrace_outbox_readings_committed_total: readings = 0, millrace_outbox_written_bytes_total: writtenBytes = 0 } =
    metrics.values()
  return {
    readings,
    entries,
    fileBytes: statSync(path).size,
    writtenBytes,
    heapMB,
    seconds: (performance.now() - startedMs) / 1000,
  }
}

async function commit(outbox: Outbox, fromMs: number): Promise<void> {
  const t = Array.from({ length: commitMs / everyMs }, (_, k) => fromMs + k * everyMs)
  const drained: Drained[] = Array.from({ length: deviceCount }, (_, device) => ({
    device: deviceName(device),
    columns: {
      channels: Object.fromEntries(channels.map(({ name }, c) => [name, { t, v: t.map((ms) => valueAt(device, c, ms)) }])),
      waves: {},
    },
    bad: [],
    counts: { ...emptyEdgeCounts(), read: [t.length * channels.length, 0], frames: [t.length, 0] },
  }))
  if (!(await outbox.commit(drained))) throw new Error(`the outbox refused: ${outbox.status().lastError}`)
}
