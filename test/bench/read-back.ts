/**
 * Reads back from the embedded store: `node test/bench/read-back.ts [points]`. Writes them at 100 a second, then rolls them up, compared
 * with a plain computation, and exports them page by page as the page's API does. Prints seconds, memory and the longest delay
 * of the event loop.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { openEmbeddedStore } from '../../cloud-processor/src/stores/index.ts'
import { at, readings, t0 } from '../../cloud-processor/src/stores/sample-records.ts'
import { createMetrics, silentLog } from '../../platform/src/index.ts'

const [points = 1_100_000] = process.argv.slice(2).map(Number)
const [intervalMs, perRecord, page] = [10, 1000, 20_000]
const valueAt = (k: number) => (k * 7919) % 1009
const dir = mkdtempSync(join(tmpdir(), 'millrace-read-back-'))
const store = await openEmbeddedStore({ path: join(dir, 'store.sqlite') }, { log: silentLog, metrics: createMetrics() })

async function write(): Promise<void> {
  await store.open('log', 0)
  for (let from = 0; from < points; from += perRecord) {
    const ks = Array.from({ length: Math.min(perRecord, points - from) }, (_, k) => from + k)
    await store.write(0, [at(from, readings({ spo2: { t: ks.map((k) => t0 + k * intervalMs), v: ks.map(valueAt) } }))])
  }
}

async function measured(what: string, work: () => Promise<unknown>): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const startMs = performance.now()
  const result = await work()
  delay.disable()
  const seconds = ((performance.now() - startMs) / 1000).toFixed(2)
  const rss = Math.round(process.memoryUsage.rss() / 2 ** 20)
  console.log(`${what}: ${result}; ${seconds} s, RSS ${rss} MiB, event loop held for at most ${(delay.max / 1e6).toFixed(1)} ms`)
}

const stretch = { device: 'd', channel: 'spo2', fromMs: t0, toMs: t0 + points * intervalMs }

async function rollUp(): Promise<string> {
  const { count, sum } = await store.rollUp(stretch, 60_000)
  let [plain, plainSum] = [0, 0]
  for (let k = 0; k < points; k++) [plain, plainSum] = [plain + 1, plainSum + valueAt(k)]
  const isEqual = plain === count.reduce((a, b) => a + b, 0) && plainSum === sum.reduce((a, b) => a + b, 0)
  return isEqual ? 'equal to a plain computation' : 'NOT equal to a plain computation'
}

async function exportAll(): Promise<string> {
  let found = 0
  for (let fromMs = stretch.fromMs; ; ) {
    const { t } = await store.points({ ...stretch, fromMs }, page)
    found += t.length
    if (t.length < page) return `${found} points`
    fromMs = t.at(-1)! + 0.001
  }
}

await measured('write', write)
for (const state of ['unmerged', 'merged']) {
  if (state === 'merged') await measured('merge', () => store.merge())
  await measured(`roll-up ${state}`, rollUp)
  await measured(`export ${state}`, exportAll)
}
await store.close()
rmSync(dir, { recursive: true })
