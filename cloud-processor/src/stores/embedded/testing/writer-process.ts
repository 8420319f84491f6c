/**
 * A process to be killed by a test: writes readings in order, merges often, and writes the next offset to standard output once
 * it is durable. With `expire` each write is an hour of its own, and days expire all the time.
 */
import { writeSync } from 'node:fs'
import { createMetrics, silentLog } from '@millrace/platform'
import { at, readings, t0 } from '../../sample-records.ts'
import { openEmbeddedStore } from '../embedded.ts'

const expires = process.argv[3] === 'expire'
const writeMs = expires ? 3_600_000 : 10_000
const retention = expires ? { days: 1, rollUpDays: 1 } : {}
const store = await openEmbeddedStore(
  { path: process.argv[2]!, mergeRows: 5, quietMinutes: 0, retention },
  { log: silentLog, metrics: createMetrics() },
)
await store.open('log', 0)
for (let n = 0; ; n++) {
  const records = Array.from({ length: 10 }, (_, k) => {
    const t = Array.from({ length: 10 }, (_, m) => t0 + n * writeMs + (k * 10 + m) * 100)
    return at(n * 11 + k, readings({ spo2: { t, v: t } }))
  })
  await store.write(0, [...records, at(n * 11 + 10, { f: 1, k: 'tick', atMs: t0 + n * writeMs })])
  writeSync(1, `${(n + 1) * 11}\n`)
}
