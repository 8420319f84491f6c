/**
 * The embedded store as the processor uses it: timeline records in order, ticks that let hours be merged while it is written.
 * Said: `next`, the next offset after a write was acknowledged.
 */
import { join } from 'node:path'
import type { LogRecord } from '@millrace/cloud-processor/log'
import { type EmbeddedStore, openEmbeddedStore } from '@millrace/cloud-processor/stores'
import { encodeJson, type TimelineRecord } from '@millrace/contract'
import { createMetrics, type Log as Lines } from '@millrace/platform'
import { type Found, itemValue, nothingFound, type Said, type Subject } from './subject.ts'

const file = 'store.sqlite'
const t0 = Date.UTC(2026, 0, 1)
const perWrite = 10
const perRecord = 10
const pointsMax = 1_000_000

export const store: Subject = { write, check, file }

function open(folder: string, problems: string[]): Promise<EmbeddedStore> {
  const complain = (message: string, fields?: unknown) => void problems.push(`${message} ${JSON.stringify(fields)}`)
  const log: Lines = { info() {}, warn: complain, error: complain }
  const options = { path: join(folder, file), mergeRows: 20, quietMinutes: 0, pointsMax }
  return openEmbeddedStore(options, { log, metrics: createMetrics() })
}

/** Records `from` to `from + perWrite`: the last one is a tick, ten seconds after the last. */
function recordsFrom(seed: number, from: number): LogRecord[] {
  return Array.from({ length: perWrite }, (_, k) => {
    const offset = from + k
    const first = offset * perRecord
    const t = Array.from({ length: perRecord }, (_, n) => t0 + (first + n) * 100)
    const v = t.map((_, n) => itemValue(seed, first + n))
    const record: TimelineRecord =
      k === perWrite - 1
        ? { f: 1, k: 'tick', atMs: t.at(-1)! }
        : {
            ...{ f: 1, k: 'readings', subject: 'd', device: 'd', stream: 's', number: offset, hist: false, receivedMs: t0 },
            ...{ channels: { spo2: { t, v } }, waves: {} },
          }
    return { offset, key: 'd', value: encodeJson(record), timeMs: t0, source: { log: 'raw', partition: 0, offset, index: 0 } }
  })
}

async function write(folder: string, seed: number, say: (line: Said) => void): Promise<void> {
  const store = await open(folder, [])
  await store.open('log', 0)
  for (let next = 0; ; next += perWrite) {
    await store.write(0, recordsFrom(seed, next))
    say(['next', next + perWrite])
  }
}

async function check(folder: string, seed: number, said: Said[]): Promise<Found> {
  const found = nothingFound()
  const store = await open(folder, found.problems)
  const acknowledged = Math.max(0, ...said.map(([, next]) => next as number))
  const next = await store.open('log', 0)
  found.acknowledged = readingsBelow(acknowledged)
  found.lost = Math.max(0, readingsBelow(acknowledged) - readingsBelow(next))
  found.beyond = Math.max(0, readingsBelow(next) - readingsBelow(acknowledged))
  await compare(found, store, seed, next)
  // What the processor would write again after its own recovery changes nothing; what comes next is taken.
  for (const from of [Math.max(0, next - perWrite), next]) await store.write(0, recordsFrom(seed, from))
  await compare(found, store, seed, next + perWrite)
  await store.close()
  return found
}

function readingsBelow(next: number): number {
  return (next / perWrite) * (perWrite - 1) * perRecord
}

/** Rows, counts and position tell of the same readings. */
async function compare(found: Found, store: EmbeddedStore, seed: number, next: number): Promise<void> {
  const { t, v } = await store.points({ device: 'd', channel: 'spo2', fromMs: 0, toMs: t0 * 2 }, pointsMax)
  found.doubled += t.length - new Set(t).size
  const right = t.filter((at, k) => v[k] === itemValue(seed, (at - t0) / 100)).length
  found.altered += t.length - right
  const { stored, collapsed } = (await store.totals()).d ?? { stored: [0, 0], collapsed: [0, 0] }
  const due = readingsBelow(next)
  if (t.length !== due || stored[0] !== due || collapsed[0] !== 0)
    found.problems.push(`position ${next} is ${due} readings; rows ${t.length}, counted ${stored[0]}, collapsed ${collapsed[0]}`)
}
