/**
 * Memory of the outbox when it is full of small batches: `node test/bench/outbox-memory.ts [--bytes n]`
 *
 * One reading a batch, 50 devices, nothing receipted, up to the bound and past it; then the outbox is opened again. Resident
 * memory is read at each step. The agent has to stay below 120 MB with the default bound of 256 MiB.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Channel, emptyEdgeCounts } from '@millrace/contract'
import { type Drained, type Outbox, openOutbox, outboxSchema, sqliteStorage } from '@millrace/edge-agent/outbox'
import { createMetrics, readArguments, silentLog, systemClock } from '@millrace/platform'

const { values } = readArguments(
  { call: 'node test/bench/outbox-memory.ts' },
  { bytes: { type: 'string', default: `${256 * 1024 * 1024}` } },
)
const bytesMax = Number(values.bytes)
const channels: Channel[] = [{ name: 'x', kind: 'number', datatype: 'Int32', unit: '1' }]
const devices = Array.from({ length: 50 }, (_, i) => `d${i}`)
const perCommit = 4

const dir = mkdtempSync(join(tmpdir(), 'millrace-outbox-memory-'))
say('before', undefined)
let outbox = await open()
let made = 0
while (!outbox.hasGap()) {
  await commit(outbox)
  if (made % 100_000 === 0) say('filling', outbox)
}
for (let k = 0; k < 50; k++) await commit(outbox)
say('at its bound', outbox)
await outbox.close()
const startedMs = performance.now()
outbox = await open()
say(`opened again in ${Math.round(performance.now() - startedMs)} ms`, outbox)
await outbox.close()
rmSync(dir, { recursive: true, force: true })

async function open(): Promise<Outbox> {
  const context = { clock: systemClock, log: silentLog, metrics: createMetrics() }
  const options = outboxSchema.parse({ bytesMax, freeDiskMin: 0 })
  const opened = await openOutbox(sqliteStorage(join(dir, 'outbox.sqlite')), options, context)
  for (const device of devices) await opened.declare(device, channels)
  return opened
}

async function commit(into: Outbox): Promise<void> {
  const drained: Drained[] = []
  for (let k = 0; k < perCommit; k++)
    for (const device of devices) drained.push(reading(device, Date.UTC(2026, 0, 1) + (made / devices.length + k) * 1000))
  made += drained.length
  if (!(await into.commit(drained))) throw new Error(`the outbox refused: ${into.status().lastError}`)
}

function reading(device: string, t: number): Drained {
  const columns = { channels: { x: { t: [t], v: [(t / 1000) % 977] } }, waves: {} }
  return { device, columns, bad: [], counts: { ...emptyEdgeCounts(), read: [1, 0], frames: [1, 0] } }
}

function say(when: string, of: Outbox | undefined): void {
  globalThis.gc?.()
  const { rss, heapUsed } = process.memoryUsage()
  const MB = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`
  const { entries = 0, bytes = 0 } = of?.status() ?? {}
  console.log(`${when}: ${entries} entries, ${MB(bytes)} stored; ${MB(rss)} resident, ${MB(heapUsed)} heap`)
}
