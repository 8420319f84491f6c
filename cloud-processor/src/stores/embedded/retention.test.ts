import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { type CutCounts, emptyEdgeCounts, type TimelineRecord } from '@millrace/contract'
import { createMetrics, silentLog } from '@millrace/platform'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { at, readings, segment, t0 } from '../sample-records.ts'
import type { EmbeddedStoreOptions } from './config.ts'
import { type EmbeddedStore, openEmbeddedStore } from './embedded.ts'

const hour = 3_600_000
const day = 24 * hour
/** `t0` is at noon. */
const midnight = t0 - 12 * hour

describe('retention', () => {
  let dir: string
  let path: string
  let next: number
  let store: EmbeddedStore
  const openAt = async (at: string, options: EmbeddedStoreOptions) => {
    const opened = await openEmbeddedStore({ path: at, ...options }, { log: silentLog, metrics: createMetrics() })
    await opened.open('log', 0)
    return opened
  }
  const open = async (options: EmbeddedStoreOptions) => {
    store = await openAt(path, options)
  }
  const put = (...records: TimelineRecord[]) =>
    store.write(
      0,
      records.map((record) => at(next++, record)),
    )
  const rows = (table: string, where = 'true') => {
    const file = new DatabaseSync(path, { readOnly: true })
    const { n } = file.prepare(`SELECT count(*) AS n FROM ${table} WHERE ${where}`).get() as { n: number }
    file.close()
    return n
  }
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'millrace-store-'))
    path = join(dir, 'store.sqlite')
    next = 0
  })
  afterEach(async () => {
    await store.close()
    await rm(dir, { recursive: true })
  })

  test('whole days expire by the ticks: rows go, minutes stay, counts move, and the ledger closes at every cut', async () => {
    await open({ retention: { days: 2 } })
    await put(tick(t0), minutely(midnight, 1440), minutely(midnight + 23 * hour, 60), minutely(midnight + day, 1440))
    await put(cut(2940), tick(midnight + 3 * day - 1))
    expect(await store.ledger()).toMatchObject([{ stored: [2880, 0], collapsed: [60, 0], expired: [0, 0], difference: [0, 0] }])
    await put(tick(midnight + 3 * day), cut(2940))
    expect(await store.ledger()).toMatchObject([{ stored: [1440, 0], collapsed: [0, 0], expired: [1500, 0], difference: [0, 0] }])
    const total = { stored: [1440, 0], collapsed: [0, 0], expired: [1500, 0], firstMs: midnight + day }
    expect((await store.totals()).d).toMatchObject(total)
    for (const isMerged of [false, true]) {
      if (isMerged) await store.merge()
      expect((await store.points({ device: 'd', channel: 'spo2', fromMs: 0, toMs: 1e14 })).t[0]).toBe(midnight + day)
      const steps = await store.rollUp({ device: 'd', channel: 'spo2', fromMs: midnight, toMs: midnight + 2 * day }, 12 * hour)
      expect(steps.count).toEqual([720, 720, 720, 720])
      expect(
        await store.rollUp({ device: 'd', channel: 'spo2', fromMs: midnight + 500, toMs: midnight + 3 * 60_000 }, 90_000),
      ).toMatchObject({ count: [1, 1] })
    }
    expect([rows('chunks'), rows('minutes'), rows('batches')]).toEqual([24, 48, 0])
    expect((await store.totals()).d).toMatchObject(total)
  })

  test('what comes for an expired day is counted as expired, and not stored', async () => {
    await open({ retention: { days: 1 } })
    await put(tick(t0), minutely(midnight, 10), tick(t0 + 3 * day))
    await put(minutely(midnight + hour, 10), readings({}, { ecg: [segment(0, 4, 100)] }))
    await put(readings({ spo2: { t: [t0, t0, t0 + 1], v: [1, 2, 3] } }), cut(23, 100))
    expect(await store.ledger()).toMatchObject([{ stored: [0, 0], collapsed: [0, 0], expired: [23, 100], difference: [0, 0] }])
    await store.merge()
    expect([rows('chunks'), rows('batches'), rows('days'), rows('minutes')]).toEqual([0, 0, 0, 1])
    expect((await store.totals()).d).toMatchObject({ expired: [23, 100], firstMs: 0, lastMs: 0 })
  })

  test('roll-ups and gaps expire later than rows, and with days 0 nothing does', async () => {
    await open({ retention: { days: 0, rollUpDays: 5 } })
    await put(tick(t0), minutely(midnight, 60), gap(t0, t0 + hour), gap(t0 + 9 * day, t0 + 9 * day + 1), tick(t0 + 10 * day))
    await store.merge()
    expect([rows('chunks'), rows('minutes')]).toEqual([1, 1])
    await store.close()
    await open({ retention: { days: 3, rollUpDays: 30 } })
    await put(tick(t0 + 11 * day), tick(t0 + 11 * day + 1000))
    await store.merge()
    expect([rows('chunks'), rows('minutes'), rows('gaps')]).toEqual([0, 1, 1])
    await put(tick(t0 + 50 * day))
    await store.merge()
    expect([rows('minutes'), rows('gaps')]).toEqual([0, 0])
  })

  test('a closed stream goes on moving its counts, and when it is old one row holds all of them', async () => {
    await open({ retention: { days: 3 } })
    for (let k = 0; k < 6; k++) {
      const stream = `stream ${k}`
      await put(tick(t0 + k * hour), { ...minutely(midnight + k * hour, 60), stream }, { ...cut(60), stream, closed: true })
    }
    await put(tick(t0 + 2 * day), { ...minutely(t0 + 2 * day, 5), stream: 'now' }, { ...cut(5), stream: 'now' })
    const before = await store.ledger()
    expect(before).toMatchObject([{ stream: 'now' }, { stream: 'earlier', stored: [360, 0], expired: [0, 0] }])
    await put({ ...cut(5), stream: 'now' })
    expect(await store.ledger()).toEqual(before)
    expect([rows('cuts'), rows('streams'), rows('days')]).toEqual([2, 2, 2])
    await put(tick(t0 + 5 * day))
    expect(await store.ledger()).toMatchObject([{ stream: 'now' }, { stored: [0, 0], expired: [360, 0], difference: [0, 0] }])
  })

  test('a closed stream whose cut is the first thing after a restart is not taken for old', async () => {
    await open({})
    await put(tick(t0), minutely(midnight, 10))
    await store.close()
    await open({})
    await put({ ...cut(10), closed: true })
    expect(await store.ledger()).toMatchObject([{ stream: 's', stored: [10, 0] }])
    await put(tick(t0 + hour), { ...cut(0), stream: 'now' })
    expect((await store.ledger()).map(({ stream }) => stream).sort()).toEqual(['now', 's'])
    await put(tick(t0 + 2 * day), { ...cut(0), stream: 'now' })
    expect((await store.ledger()).map(({ stream }) => stream).sort()).toEqual(['earlier', 'now'])
  })

  test('a closed stream to which something was added is not summed', async () => {
    await open({})
    await put(tick(t0), minutely(midnight, 10), { ...cut(10), closed: true }, minutely(midnight + hour, 1))
    await put(tick(t0 + 2 * day), { ...cut(0), stream: 'now' }, { ...cut(0), stream: 'now' })
    expect(rows('streams', "stream = 's'")).toBe(1)
    expect((await store.totals()).d!.stored).toEqual([11, 0])
  })

  test('the oldest days go while the file holds too much, never the present one, and freed room is used again', async () => {
    await open({ retention: { days: 0, bytesMax: 2 ** 20 }, quietMinutes: 0 })
    const sizes: number[] = []
    for (let k = 0; k < 12; k++) {
      for (let h = 0; h < 24; h++) await put(noise(midnight + k * day + h * hour, 3000), tick(midnight + k * day + h * hour))
      await store.merge()
      for (let s = 1; s < 20; s++) await put(tick(midnight + k * day + 23 * hour + s * 1000))
      await store.merge()
      sizes.push((await stat(path)).size)
    }
    const { stored, expired, firstMs } = (await store.totals()).d!
    expect(stored[0] + expired[0]).toBe(12 * 24 * 3000)
    expect(stored[0]).toBeGreaterThanOrEqual(24 * 3000)
    expect(expired[0]).toBeGreaterThan(6 * 24 * 3000)
    expect(firstMs % day).toBe(0)
    expect(sizes.at(-1)).toBeLessThan(2.5 * 2 ** 20)
    expect(sizes.at(-1)! - sizes[5]!).toBeLessThan(200_000)
    expect((await store.events(0, 1e14)).map(({ code }) => code)).toContain('STORE_EXPIRED')
  })

  test('the same records give the same ledger, whatever they are cut into and whenever it merges; each cut closes', async () => {
    const one = fc.oneof(
      fc.record({ k: fc.constant('readings' as const), stream: fc.constantFrom('a', 'b'), days: fc.nat(6), count: fc.nat(30) }),
      fc.record({ k: fc.constant('tick' as const), days: fc.nat(2) }),
      fc.record({ k: fc.constant('cut' as const), stream: fc.constantFrom('a', 'b') }),
    )
    const stores = await Promise.all(
      ['whole', 'cut'].map((name) => openAt(join(dir, name), { retention: { days: 2, rollUpDays: 2 } })),
    )
    let now = t0
    let runs = 0
    let offset = 0
    await fc.assert(
      fc.asyncProperty(fc.array(one, { maxLength: 30 }), fc.array(fc.nat(5), { minLength: 1 }), async (steps, sizes) => {
        const name = `device ${runs++}`
        const { records, came, endMs } = plan(steps, name, now)
        now = endMs
        const entries = records.map((record) => at(offset++, record))
        const [whole, cut] = await Promise.all(
          stores.map(async (one, k) => {
            for (let from = 0, turn = 0; from < entries.length; turn++) {
              const size = k === 0 ? entries.length : sizes[turn % sizes.length]! + 1
              await one.write(0, entries.slice(from, from + size))
              if (size === 3) await one.merge()
              from += size
            }
            const ledger = (await one.ledger()).filter(({ device }) => device === name)
            return {
              ledger,
              totals: (await one.totals())[name],
              points: await one.points({ device: name, channel: 'spo2', fromMs: 0, toMs: 1e14 }),
            }
          }),
        )
        expect(cut).toEqual(whole)
        for (const row of whole!.ledger) expect(row.difference).toEqual([0, 0])
        const { stored, collapsed, expired } = whole!.totals ?? { stored: [0, 0], collapsed: [0, 0], expired: [0, 0] }
        expect(stored[0] + collapsed[0] + expired[0]).toBe(came)
        expect(whole!.points.t).toHaveLength(stored[0])
      }),
      { numRuns: 60 },
    )
    await Promise.all(stores.map((one) => one.close()))
  })

  test('loses and doubles no count when its process is killed while days expire and are swept', async () => {
    const file = fileURLToPath(new URL('./testing/writer-process.ts', import.meta.url))
    const child = spawn(process.execPath, [file, path, 'expire'], { stdio: ['ignore', 'pipe', 'inherit'] })
    let acknowledged = 0
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged = Number(line)
      if (acknowledged > 2500) break
    }
    child.kill('SIGKILL')
    if (child.signalCode === null) await once(child, 'exit')
    await open({ retention: { days: 1, rollUpDays: 1 } })
    const came = await store.open('log', 0)
    expect(came).toBeGreaterThanOrEqual(acknowledged)
    for (const isSwept of [false, true]) {
      if (isSwept) {
        next = came
        await put(tick(t0 + (came / 11) * hour))
        await store.merge()
      }
      const { stored, collapsed, expired } = (await store.totals()).d!
      expect(stored[0] + expired[0]).toBe((came / 11) * 100)
      expect([collapsed, expired[0] > 0]).toEqual([[0, 0], true])
      expect((await store.points({ device: 'd', channel: 'spo2', fromMs: 0, toMs: 1e14 })).t).toHaveLength(stored[0])
    }
    expect(rows('minutes')).toBeLessThanOrEqual(48)
    expect(rows('chunks')).toBeLessThanOrEqual(48)
  })
})

const tick = (atMs: number) => ({ f: 1, k: 'tick', atMs }) as const

function gap(fromMs: number, toMs: number): TimelineRecord {
  return { f: 1, k: 'gap', subject: 'd', device: 'd', reason: 'link-down', fromMs, toMs }
}

/** One reading a minute. */
function minutely(from: number, count: number) {
  const t = Array.from({ length: count }, (_, k) => from + k * 60_000)
  return readings({ spo2: { t, v: t.map((_, k) => k) } })
}

/** One a second that compresses badly. */
function noise(from: number, count: number) {
  const t = Array.from({ length: count }, (_, k) => from + k * 1000)
  return readings({ spo2: { t, v: t.map(scatter) } })
}

function countsOf(read: number, samples = 0): CutCounts {
  return {
    edge: { ...emptyEdgeCounts(), read: [read, samples] },
    ...{ evicted: [0, 0], rejected: [0, 0], forwarded: [read, samples], ahead: [0, 0] },
  }
}

function cut(read: number, samples = 0) {
  return { f: 1, k: 'cut', node: 'n', stream: 's', through: 1, closed: false, devices: { d: countsOf(read, samples) } } as const
}

type Step =
  | { k: 'readings'; stream: string; days: number; count: number }
  | { k: 'tick'; days: number }
  | { k: 'cut'; stream: string }

function plan(steps: Step[], name: string, startMs: number): { records: TimelineRecord[]; came: number; endMs: number } {
  const read: Record<string, number> = { a: 0, b: 0 }
  let now = startMs
  const records = steps.map((step): TimelineRecord => {
    if (step.k === 'tick') {
      now += step.days * day
      return tick(now)
    }
    const { stream } = step
    if (step.k === 'cut') return { ...cut(0), stream, devices: { [name]: countsOf(read[stream]!) } }
    read[stream]! += step.count
    return { ...minutely(now - step.days * day, step.count), stream, device: name }
  })
  return { records, came: read.a! + read.b!, endMs: now }
}

function scatter(time: number): number {
  const once = Math.imul(time / 1000, 0x9e3779b1)
  return Math.imul(once ^ (once >>> 15), 0x85ebca6b) >>> 3
}
