import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import type { Column } from '@millrace/contract'
import { createMetrics, silentLog } from '@millrace/platform'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { describeStore } from '../conformance.ts'
import { at, column, readings, t0 } from '../sample-records.ts'
import { type EmbeddedStore, openEmbeddedStore } from './embedded.ts'
import { readFormat212 } from './wfdb.ts'

const context = () => ({ log: silentLog, metrics: createMetrics() })

describeStore('embedded', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-store-'))
  return {
    open: (limits) => openEmbeddedStore({ path: join(dir, 'store.sqlite'), ...limits }, context()),
    settle: (store) => (store as EmbeddedStore).merge(),
    remove: () => rm(dir, { recursive: true }),
  }
})

describe('embedded store', () => {
  let dir: string
  let path: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'millrace-store-'))
    path = join(dir, 'store.sqlite')
  })
  afterEach(() => rm(dir, { recursive: true }))

  test('rolls up every reading, however many more there are than one answer may hold', async () => {
    const store = await openEmbeddedStore({ path, pointsMax: 15_000 }, context())
    await store.open('log', 0)
    const t = Array.from({ length: 20_000 }, (_, k) => t0 + k * 40)
    const v = t.map((_, k) => (k * 7919) % 101)
    for (let from = 0; from < t.length; from += 1000)
      await store.write(0, [
        at(from / 1000, readings({ spo2: { t: t.slice(from, from + 1000), v: v.slice(from, from + 1000) } })),
      ])
    const stretch = { device: 'd', channel: 'spo2', fromMs: t0, toMs: t0 + 900_000 }
    for (const isMerged of [false, true]) {
      if (isMerged) await store.merge()
      const { count, sum } = await store.rollUp(stretch, 60_000)
      expect(count).toEqual(Array.from({ length: 14 }, (_, k) => Math.min(1500, 20_000 - k * 1500)))
      expect(sum.reduce((a, b) => a + b)).toBe(v.reduce((a, b) => a + b))
      await expect(store.points(stretch)).rejects.toMatchObject({ code: 'STORE_ANSWER_TOO_LARGE' })
    }
    await store.close()
  })

  test('is owned by one opener at a time, and refuses other files and newer formats', async () => {
    const store = await openEmbeddedStore({ path }, context())
    await expect(openEmbeddedStore({ path }, context())).rejects.toMatchObject({ code: 'STORE_LOCKED' })
    await store.close()
    const file = new DatabaseSync(path)
    file.exec('PRAGMA user_version=3')
    file.close()
    await expect(openEmbeddedStore({ path }, context())).rejects.toThrow(/STORE_NEWER.*newer version/)
    await rm(path)
    await writeFile(path, 'no database, but long enough to be read as one'.repeat(100))
    await expect(openEmbeddedStore({ path }, context())).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
  })

  test('refuses a write as a whole when the file cannot be written, and takes it afterwards', async () => {
    const store = await openEmbeddedStore({ path }, context())
    await store.open('log', 0)
    await store.write(0, [at(0, readings({ spo2: seconds(0, 10) }))])
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const write = () => store.write(0, [at(1, readings({ spo2: seconds(5000, 10) })), at(2, readings({ pulse: seconds(0, 10) }))])
    await expect(write()).rejects.toMatchObject({ code: 'STORE_WRITE', retry: true })
    other.close()
    expect((await store.totals()).d?.stored).toEqual([10, 0])
    expect(await store.open('log', 0)).toBe(1)
    await write()
    expect((await store.totals()).d).toMatchObject({ stored: [25, 0], collapsed: [5, 0] })
    await store.close()
  })

  test('merges an hour that has been quiet, by the time of the ticks', async () => {
    const store = await openEmbeddedStore({ path, quietMinutes: 10 }, context())
    await store.open('log', 0)
    await store.write(0, [at(0, tick(t0)), at(1, readings({ spo2: seconds(0, 100) })), at(2, tick(t0 + 500_000))])
    await store.write(0, [at(3, tick(t0 + 700_000))])
    const file = new DatabaseSync(path, { readOnly: true })
    const count = (table: string) => (file.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n
    while (count('hours') > 0) await new Promise((resolve) => setTimeout(resolve, 20))
    expect([count('batches'), count('chunks'), count('minutes')]).toEqual([0, 1, 1])
    file.close()
    expect((await store.points({ device: 'd', channel: 'spo2', fromMs: 0, toMs: 1e14 })).t).toHaveLength(100)
    await store.close()
  })

  test('loses nothing acknowledged and counts nothing twice when its process is killed while it writes and merges', async () => {
    const child = spawn(process.execPath, [fileURLToPath(new URL('./testing/writer-process.ts', import.meta.url)), path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let acknowledged = 0
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged = Number(line)
      if (acknowledged > 400) break
    }
    child.kill('SIGKILL')
    if (child.signalCode === null) await once(child, 'exit')
    const store = await openEmbeddedStore({ path }, context())
    const next = await store.open('log', 0)
    expect(next).toBeGreaterThanOrEqual(acknowledged)
    const { t } = await store.points({ device: 'd', channel: 'spo2', fromMs: 0, toMs: 1e14 })
    const count = (next / 11) * 100
    expect(t).toEqual(Array.from({ length: count }, (_, k) => t0 + k * 100))
    expect((await store.totals()).d).toMatchObject({ stored: [count, 0], collapsed: [0, 0] })
    await store.close()
  })

  const recordings =
    process.env.MILLRACE_RECORDINGS ?? fileURLToPath(new URL('../../../../../shared/recordings', import.meta.url))
  test.skipIf(!existsSync(recordings))(
    'keeps a real ECG in about 0.55 bytes a sample, and real vitals in less than 0.9',
    async () => {
      const store = await openEmbeddedStore({ path }, context())
      await store.open('log', 0)
      const leads = readFormat212(await readFile(join(recordings, 'ecg-mitdb/100.dat')))
      const start = Math.ceil(t0 / 3_600_000) * 3_600_000
      let offset = 0
      for (let from = 0; from < leads[0].length; from += 360 * 100) {
        const starts = Array.from({ length: 100 }, (_, s) => from + s * 360).filter((k) => k < leads[0].length)
        const segments = (lead: number[]) =>
          starts.map((k) => ({ t: start + (k / 360) * 1000, i: 1000 / 360, v: lead.slice(k, k + 360) }))
        await store.write(0, [at(offset++, readings({}, { MLII: segments(leads[0]), V5: segments(leads[1]) }))])
      }
      await store.merge()
      const found = await store.segments({ device: 'd', channel: 'MLII', fromMs: 0, toMs: 1e14 })
      expect(found.flatMap((segment) => segment.v)).toEqual(leads[0])
      const ecg = bytesOf(path) / (2 * leads[0].length)

      const rows = (await readFile(join(recordings, 'bedside-numerics/vitals.csv'), 'utf8')).trim().split('\n').slice(1)
      const names = ['HR', 'ABPSys', 'ABPDias', 'ABPMean', 'PULSE', 'RESP', 'SpO2']
      const vitals = async (device: string, stepMs: number) => {
        const before = bytesOf(path)
        for (let from = 0; from < rows.length; from += 60) {
          const lines = rows.slice(from, from + 60).map((row) => row.split(',').map(Number))
          const t = lines.map((_, k) => start + (from + k) * stepMs)
          const channels = Object.fromEntries(names.map((name, k) => [name, { t, v: lines.map((line) => line[k + 1]!) }]))
          await store.write(0, [at(offset++, { ...readings(channels), device })])
        }
        await store.merge()
        return (bytesOf(path) - before) / (rows.length * names.length)
      }
      // As recorded, an hour holds 60 readings, and a chunk's head weighs as much as they do; monitors give one a second.
      const byMinute = await vitals('bedside by the minute', 60_000)
      const bySecond = await vitals('bedside by the second', 1000)
      await store.close()
      console.log(
        `bytes a sample: ECG ${ecg.toFixed(3)}, vitals ${bySecond.toFixed(3)} by the second, ${byMinute.toFixed(3)} by the minute`,
      )
      expect(ecg).toBeLessThan(0.6)
      expect(bySecond).toBeLessThan(0.9)
      expect(byMinute).toBeLessThan(1)
    },
  )
})

/** What the chunks take; the roll-ups of the minutes are apart. */
function bytesOf(path: string): number {
  const file = new DatabaseSync(path, { readOnly: true })
  const { n } = file.prepare('SELECT sum(length(body)) AS n FROM chunks').get() as { n: number }
  file.close()
  return n
}

const tick = (atMs: number) => ({ f: 1, k: 'tick', atMs }) as const

/** One a second. */
function seconds(from: number, count: number): Column {
  const t = Array.from({ length: count }, (_, k) => from + k * 1000)
  return column(t, t)
}
