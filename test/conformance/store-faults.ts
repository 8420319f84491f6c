/** What goes wrong between a store and its engine, on the real one: bad points, an engine that is gone, a writer that is killed. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openEmbeddedLog } from '@millrace/cloud-processor/log'
import { type Kept, runSink } from '@millrace/cloud-processor/stage'
import { type InfluxStoreOptions, openInfluxStore, setUpInfluxStore } from '@millrace/cloud-processor/stores'
import { type CutCounts, emptyEdgeCounts, encodeJson, type ReadingsRecord, type TimelineRecord, topics } from '@millrace/contract'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { type RunningStoreEngine, startStoreEngine, type TimeSeriesEngine } from './store-place.ts'

const t0 = Date.UTC(2026, 9, 1, 12)
const context = () => ({ log: silentLog, metrics: createMetrics(), clock: systemClock })
const asking: InfluxStoreOptions = { flushBeforeReading: true, totalsEveryMs: 0 }
const noKept = (): Kept => ({ load: async () => undefined, save: async () => {} })

export function describeFaults(name: TimeSeriesEngine): void {
  describe(`store ${name}, when things go wrong`, () => {
    let running: RunningStoreEngine
    let dir: string
    const open = (more: InfluxStoreOptions = {}) => openInfluxStore({ ...running.options, ...asking, ...more }, context())
    beforeAll(async () => {
      running = await startStoreEngine(name)
      dir = mkdtempSync(join(tmpdir(), 'millrace-store-faults-'))
    })
    afterAll(async () => {
      await running.stop()
      rmSync(dir, { recursive: true, force: true })
    })

    test('is set up as often as one likes', async () => {
      const first = await setUpInfluxStore({ ...running.options, retentionDays: 0 })
      const second = await setUpInfluxStore({ ...running.options, retentionDays: 0 })
      expect(first.length).toBeGreaterThan(1)
      expect(second.map((line) => line.split(':')[0])).toEqual(first.map((line) => line.split(':')[0]))
    })

    test('finds three bad points among 5,000, rejects them alone, and its ledger closes', async () => {
      const store = await open()
      await store.open('poison', 0, noKept())
      const bad = await plantPoison(name, running)
      const t = Array.from({ length: 5000 }, (_, k) => bad.times[[700, 2500, 4900].indexOf(k)] ?? t0 + k * 1000)
      const v = t.map((_, k) => (bad.value !== undefined && [700, 2500, 4900].includes(k) ? bad.value : k))
      const record = readings('poisoned', { spo2: { t: t.toSorted((a, b) => a - b), v: inOrder(t, v) } })
      const cut = cutOf('poisoned', [5000, 0], 1)
      const refused = await store.write(0, [at(0, record), at(1, cut)])
      expect(refused.reduce((lost, { rejected }) => lost + rejected.lost[0], 0)).toBe(3)
      expect(refused.every(({ offset, rejected }) => offset === 0 && rejected.reason === bad.reason)).toBe(true)
      const lines = refused.flatMap(({ rejected }) => Buffer.from(rejected.bytesBase64, 'base64').toString().split('\n'))
      expect(lines).toHaveLength(3)
      expect((await store.points({ device: 'poisoned', channel: 'spo2', fromMs: t0, toMs: t0 + 1e9 })).t).toHaveLength(4997)
      expect((await store.totals()).poisoned).toMatchObject({ stored: [4997, 0], collapsed: [0, 0] })
      const row = (await store.ledger()).find(({ device }) => device === 'poisoned')
      expect(row).toMatchObject({ stored: [4997, 0], difference: [0, 0] })
      expect(row?.counts.rejected).toEqual([3, 0])
      await store.close()
    })

    test('rejects what is older than it keeps, by the ticks of the timeline', async () => {
      const store = await open({ retentionDays: 10 })
      await store.open('old', 0, noKept())
      const record = readings('late', { spo2: { t: [t0 - 11 * 86_400_000, t0], v: [1, 2] } })
      const refused = await store.write(0, [at(0, { f: 1, k: 'tick', atMs: t0 }), at(1, record)])
      expect(refused).toMatchObject([{ offset: 1, rejected: { reason: 'STORE_POINT_RETENTION', lost: [1, 0], device: 'late' } }])
      await store.close()
    })

    test('loses and doubles nothing while the engine is killed and away for 10 s, in little memory', async () => {
      const log = await openEmbeddedLog({ path: join(dir, 'away.sqlite') }, context())
      const store = await open({ requestMs: 1000, saveEveryMs: 500 })
      const sink = runSink(
        {
          ...{ name: 'store', topic: topics.timeline, partition: 0, holdsLog: true },
          position: (kept) => store.open(log.id, 0, kept),
          write: (records) => store.write(0, records),
        },
        { stepRecords: 500, stepBytes: 1 << 20 },
        { log, clock: systemClock, logger: silentLog, metrics: createMetrics() },
      )
      let given = 0
      const append = async () => {
        const values = Array.from({ length: 100 }, () => ++given)
        const record = readings('away', { spo2: { t: values.map((n) => t0 + n * 100), v: values } })
        await log.append(topics.timeline, 0, [at(0, record)])
      }
      const feed = async (seconds: number) => {
        for (const endMs = performance.now() + seconds * 1000; performance.now() < endMs; ) {
          await append()
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
      }
      await feed(3)
      await running.engine.kill()
      const memoryBefore = process.memoryUsage().rss
      await feed(10)
      const grown = process.memoryUsage().rss - memoryBefore
      await running.engine.restart()
      await log.append(topics.timeline, 0, [at(0, cutOf('away', [given, 0], 1))])
      await until('the store has all of it', () => sink.progress().next === sink.progress().end && sink.progress().next > 0, {
        withinMs: 50_000,
      })
      const { v } = await store.points({ device: 'away', channel: 'spo2', fromMs: t0, toMs: t0 + 1e9 })
      expect(v).toEqual(Array.from({ length: given }, (_, k) => k + 1))
      expect((await store.totals()).away).toMatchObject({ stored: [given, 0], collapsed: [0, 0] })
      expect((await store.ledger()).find(({ device }) => device === 'away')?.difference).toEqual([0, 0])
      expect(grown / 1e6).toBeLessThan(80)
      await sink.stop()
      await store.close()
      await log.close()
    })

    test('counts each reading once when its writer is killed again and again', async () => {
      const path = join(dir, 'killed.sqlite')
      const { values, given } = await fill(path)
      const options = JSON.stringify({ ...running.options, saveEveryMs: 50, totalsEveryMs: 50, durableAfterMs: 0 })
      const writer = fileURLToPath(new URL('./store-writer.ts', import.meta.url))
      let kills = 0
      for (let isDone = false; !isDone; ) isDone = await runUntilKilled([writer, path, options], 80 + 120 * kills++)
      expect(kills).toBeGreaterThan(2)
      const store = await open()
      for (const [device, expected] of values) {
        const { t, v } = await store.points({ device, channel: 'spo2', fromMs: t0, toMs: t0 + 1e9 })
        expect(new Map(t.map((time, k) => [time, v[k]]))).toEqual(new Map([...expected].sort((a, b) => a[0] - b[0])))
        expect((await store.totals())[device]).toMatchObject({
          stored: [expected.size, 0],
          collapsed: [given.get(device)! - expected.size, 0],
        })
      }
      const rows = (await store.ledger()).filter(({ device }) => values.has(device))
      expect(rows.map(({ difference }) => difference)).toEqual([...values].map(() => [0, 0]))
      await store.close()
    }, 180_000)
  })
}

/** Three points, or a value, that the engine will never take. */
async function plantPoison(name: TimeSeriesEngine, { engine, options }: RunningStoreEngine) {
  if (name === 'victoria-metrics') return { times: [], value: null as unknown as number, reason: 'STORE_POINT_VALUE' }
  // Before 1970, which QuestDB refuses.
  if (name === 'questdb') return { times: [-3000, -2000, -1000], reason: 'STORE_POINT_REFUSED' }
  // In a week of its own, where the field is a text already; questions about that week give nothing from then on.
  const week = t0 - 60 * 86_400_000
  const query = new URLSearchParams({ org: options.org!, bucket: options.bucket!, precision: 'ms' })
  const response = await fetch(`${engine.address}/api/v2/write?${query}`, {
    method: 'POST',
    headers: { authorization: `Token ${options.token}` },
    body: `reading,channel=other,device=other value="a text" ${week}`,
  })
  expect(response.status).toBe(204)
  return { times: [week, week + 1000, week + 2000], reason: 'STORE_POINT_REFUSED' }
}

/** Values in the order of their times. */
function inOrder(t: number[], v: number[]): number[] {
  return t
    .map((time, k) => [time, v[k]!] as const)
    .sort((a, b) => a[0] - b[0])
    .map(([, value]) => value)
}

/** A log with late, early and repeated readings of two devices, and what a store must hold of it. */
async function fill(path: string) {
  const log = await openEmbeddedLog({ path }, context())
  const values = new Map([
    ['k1', new Map<number, number>()],
    ['k2', new Map<number, number>()],
  ])
  const given = new Map([
    ['k1', 0],
    ['k2', 0],
  ])
  let seed = 7
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31
    return seed % below
  }
  for (let n = 0; n < 800; n++) {
    const device = random(2) === 0 ? 'k1' : 'k2'
    const from = random(4) === 0 ? random(n + 1) * 10 : n * 10
    const t = Array.from({ length: 10 }, (_, k) => t0 + (from + k) * 100)
    const v = t.map((_, k) => n * 10 + k)
    for (const [k, time] of t.entries()) values.get(device)!.set(time, v[k]!)
    given.set(device, given.get(device)! + 10)
    await log.append(topics.timeline, 0, [at(0, readings(device, { spo2: { t, v } }))])
  }
  for (const device of values.keys()) await log.append(topics.timeline, 0, [at(0, cutOf(device, [given.get(device)!, 0], 1))])
  await log.close()
  return { values, given }
}

/** True when it came to the end of the log first. */
function runUntilKilled(args: string[], afterMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let isDone = false
    let hasBegun = false
    child.stdout.on('data', (chunk: Buffer) => {
      const [next, end] = chunk.toString().trimEnd().split('\n').at(-1)!.split('/')
      if (!hasBegun && Number(end) > 0) {
        hasBegun = true
        setTimeout(() => child.kill('SIGKILL'), afterMs)
      }
      // A moment more, for the last totals.
      if (Number(end) > 0 && next === end && !isDone) {
        isDone = true
        setTimeout(() => child.kill('SIGKILL'), 1000)
      }
    })
    child.once('exit', () => resolve(isDone))
  })
}

const at = (offset: number, record: TimelineRecord) => ({ offset, key: 'k', timeMs: t0 + offset, value: encodeJson(record) })

function readings(device: string, channels: ReadingsRecord['channels']): ReadingsRecord {
  const head = {
    f: 1,
    k: 'readings',
    subject: device,
    device,
    stream: `s${device}`,
    number: 1,
    hist: false,
    receivedMs: t0,
  } as const
  return { ...head, channels, waves: {} }
}

function cutOf(device: string, read: [number, number], through: number): TimelineRecord {
  const counts: CutCounts = {
    edge: { ...emptyEdgeCounts(), read },
    ...{ evicted: [0, 0], rejected: [0, 0], forwarded: read, ahead: [0, 0] },
  }
  return { f: 1, k: 'cut', node: 'n', stream: `s${device}`, through, closed: false, devices: { [device]: counts } }
}
