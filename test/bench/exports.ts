/**
 * What a long export and a long roll-up cost the process that the page is in, on every store that is here: seconds, memory, and
 * for how long its event loop is held up. The values are compared with what was written.
 */

import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Snapshot } from '@millrace/cloud-processor/log'
import { openEmbeddedStore, openInfluxStore, type Store } from '@millrace/cloud-processor/stores'
import { plainRollUp } from '@millrace/cloud-processor/stores/testing/plain-roll-up'
import { createWeb, webConfig } from '@millrace/cloud-processor/web'
import { type Channel, encodeJson, type TimelineRecord } from '@millrace/contract'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { isMissing, obtain } from '../engines/index.ts'

const exported = 1_100_000
const written = 2_000_000
const few = 20_000
/** Fewer than the few: a roll-up is not bounded by what one answer may hold. */
const pointsMax = 15_000
const startMs = Date.UTC(2026, 9, 1)
const everyMs = 20
const valueAt = (k: number) => 300 + ((k * 7919) % 401)
const context = () => ({ log: silentLog, metrics: createMetrics(), clock: systemClock })
const channel: Channel = { name: 'spo2', kind: 'number', datatype: 'Int16', unit: '%', scale: 0.1 }

const stores = ['embedded', 'victoria-metrics', 'questdb', 'influxdb'] as const
type Name = (typeof stores)[number]

export async function exportBench(dir: string, wanted: string[] | undefined): Promise<void> {
  for (const name of stores) {
    if (wanted && !wanted.includes(name)) continue
    const place = join(dir, name)
    mkdirSync(place, { recursive: true })
    const opened = await open(name, place)
    if (typeof opened === 'string') console.log(`${name}: skipped, ${opened}`)
    else {
      await fill(opened.store)
      await measureIdle(name)
      await measureExport(name, opened.store)
      await measureRollUps(name, opened.store)
      await opened.close()
    }
  }
}

/** Or why not. */
async function open(name: Name, dir: string): Promise<string | { store: Store; close(): Promise<void> }> {
  if (name === 'embedded') {
    const store = await openEmbeddedStore({ path: join(dir, 'store.sqlite'), pointsMax }, context())
    return { store, close: () => store.close() }
  }
  const engine = await obtain(name, { dir })
  if (isMissing(engine)) return engine.missing
  const setup = 'setup' in engine ? (engine.setup as { org: string; bucket: string; token: string }) : {}
  const dialect = name === 'victoria-metrics' ? 'victoriametrics' : name
  const store = await openInfluxStore({ dialect, url: engine.address, retentionDays: 0, pointsMax, ...setup }, context())
  return {
    store,
    async close() {
      await store.close()
      await engine.stop()
    },
  }
}

async function fill(store: Store): Promise<void> {
  const kept = new Map<string, Snapshot>()
  await store.open('bench', 0, { load: async () => kept.get('0'), save: async (next) => void kept.set('0', next) })
  const perRecord = 1000
  let offset = 0
  const logged = (record: TimelineRecord) => ({ offset: offset++, key: '', value: encodeJson(record), timeMs: startMs })
  await store.write(0, [logged({ f: 1, k: 'declaration', subject: 'd', device: 'd', node: 'n', channels: [channel] })])
  const indices = Array.from({ length: perRecord }, (_, k) => k)
  for (let from = 0; from < written; from += 20 * perRecord) {
    const batch = Array.from({ length: 20 }, (_, n) => {
      const at = indices.map((k) => from + n * perRecord + k)
      const spo2 = { t: at.map((k) => startMs + k * everyMs), v: at.map(valueAt) }
      return logged({
        ...{ f: 1, k: 'readings', subject: 'd', device: 'd', stream: 's', hist: false, receivedMs: startMs },
        ...{ channels: { spo2 }, waves: {} },
      })
    })
    await store.write(0, batch)
  }
  await store.refresh()
}

/** What the machine itself does to an event loop: to be read beside the others. */
async function measureIdle(name: Name): Promise<void> {
  const watched = watch()
  await new Promise((resolve) => setTimeout(resolve, 5000))
  console.log(`${name}: ${sayHeld(watched())} while nothing is asked`)
}

async function measureExport(name: Name, store: Store): Promise<void> {
  const web = await createWeb({
    ...{ config: webConfig.parse({ port: 0 }), store, ...context() },
    controls: { append: async () => {} },
    status: () => {
      throw new Error('nobody asks')
    },
  })
  const to = startMs + exported * everyMs - 1
  const url = `http://127.0.0.1:${web.port}/api/export/d/spo2?from=${startMs}&to=${to}`
  const watched = watch()
  const lines = Number(await inAnotherProcess(countLines, url))
  const { residentMb, ...took } = watched()
  await web.close()
  console.log(
    `${name}: ${lines} of ${exported} points exported in ${took.seconds.toFixed(1)} s, memory at most ${residentMb} MB, ${sayHeld(took)}`,
  )
  if (lines !== exported) process.exitCode = 1
}

const countLines = `const answer = await fetch(process.argv[1])
if (!answer.ok) console.error(await answer.text())
else {
let lines = 0
for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) for (const c of chunk) if (c === '\\n') lines++
console.log(lines) }`

/** Its work is not that of the process that is measured. */
async function inAnotherProcess(script: string, argument: string): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, argument], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  for await (const chunk of child.stdout) text += chunk
  return text
}

async function measureRollUps(name: Name, store: Store): Promise<void> {
  for (const count of [few, written]) {
    const of = { device: 'd', channel: 'spo2', fromMs: startMs, toMs: startMs + count * everyMs }
    const stepMs = 60_000
    const watched = watch()
    const made = await store.rollUp(of, stepMs)
    const took = watched()
    const isEqual = JSON.stringify(made) === JSON.stringify(plain(count, stepMs))
    console.log(
      `${name}: ${count} points rolled up into ${made.t.length} steps in ${took.seconds.toFixed(2)} s, ${sayHeld(took)}: ${isEqual ? 'equal to the plain computation' : 'WRONG'}`,
    )
    if (!isEqual) process.exitCode = 1
  }
}

/** The same roll-up from the values as they were written. */
function plain(count: number, stepMs: number) {
  const perStep = stepMs / everyMs
  const firsts = Array.from({ length: Math.ceil(count / perStep) }, (_, k) => k * perStep)
  const valuesFrom = (from: number) => Array.from({ length: Math.min(perStep, count - from) }, (_, k) => valueAt(from + k))
  return plainRollUp(firsts.map((from) => ({ startMs: startMs + from * everyMs, values: valuesFrom(from) })))
}

function sayHeld({ heldMs, ownMs }: { heldMs: number; ownMs: number }): string {
  return `event loop held up to ${heldMs.toFixed(0)} ms, by work of its own up to ${ownMs.toFixed(0)} ms`
}

/** Others on the machine hold an event loop up as well: CPU time between two timers is what its own thread worked. */
function watch() {
  const startedMs = performance.now()
  const cpuMs = () => (process.threadCpuUsage().user + process.threadCpuUsage().system) / 1000
  let before = cpuMs()
  let ownMs = 0
  const ticking = setInterval(() => {
    const now = cpuMs()
    ownMs = Math.max(ownMs, now - before)
    before = now
  }, 1)
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  let resident = 0
  const look = setInterval(() => {
    resident = Math.max(resident, process.memoryUsage.rss())
  }, 50)
  return () => {
    clearInterval(look)
    clearInterval(ticking)
    delay.disable()
    const seconds = (performance.now() - startedMs) / 1000
    return { seconds, ownMs, heldMs: Math.max(0, delay.max / 1e6 - 5), residentMb: Math.round(resident / 2 ** 20) }
  }
}
