/** The page's API over the real embedded store. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeJson, type Segment, type TimelineRecord } from '@millrace/contract'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { LogRecord } from '../log/log.ts'
import { type EmbeddedStore, openEmbeddedStore } from '../stores/index.ts'
import { channels, readings, startMs, startWeb } from './testing/web.ts'
import type { DeviceView, Series, Waves } from './wire.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-web-store-'))
let store: EmbeddedStore
let page: Awaited<ReturnType<typeof startWeb>>
const seconds = 5000

beforeAll(async () => {
  const context = { log: silentLog, metrics: createMetrics(), clock: systemClock }
  store = await openEmbeddedStore({ path: join(folder, 'store.sqlite') }, context)
  await store.open('log', 0)
  const records: TimelineRecord[] = [
    { f: 1, k: 'declaration', subject: 'bed-1', device: 'oximeter-1', node: 'gateway-1', channels },
    ...Array.from({ length: seconds }, (_, second) => secondOf(second)),
    ...['unplugged', 'found again'].map((text, k) => eventAt(startMs + k, text)),
  ]
  const logged = records.map(
    (record, offset): LogRecord => ({ offset, key: 'bed-1', value: encodeJson(record), timeMs: startMs }),
  )
  await store.write(0, logged)
  page = await startWeb({ store })
}, 30_000)
afterAll(async () => {
  await page.web.close()
  await store.close()
  rmSync(folder, { recursive: true })
})

/** Five temperatures and a hundred samples. */
function secondOf(second: number): TimelineRecord {
  const t0 = startMs + second * 1000
  const t = [0, 200, 400, 600, 800].map((ms) => t0 + ms)
  const v = t.map((_, k) => 360 + ((second + k) % 20))
  const wave = { t: t0, i: 10, v: Array.from({ length: 100 }, (_, k) => (second + k) % 100) }
  return readings(t0, 97, { channels: { temperature: { t, v } }, waves: { pleth: [wave] } })
}

function eventAt(atMs: number, text: string): TimelineRecord {
  return { f: 1, k: 'event', subject: 'bed-1', device: 'oximeter-1', atMs, level: 'warn', code: 'BUS_UNPLUGGED', text }
}

it('gives the lines for people of a time, the newest of them when there is a limit', async () => {
  const texts = async (query: string) => (await page.json<{ text: string }[]>(`/api/events?${query}`)).map(({ text }) => text)
  expect(await texts(`from=${startMs}&to=${startMs + 1}`)).toEqual(['unplugged', 'found again'])
  expect(await texts(`from=0&to=${startMs + 9}&limit=1`)).toEqual(['found again'])
  expect((await fetch(`${page.url}/api/events?from=0&to=1&limit=100000`)).status).toBe(400)
})

it('knows the devices of the store', async () => {
  expect(await page.json<DeviceView[]>('/api/fleet')).toMatchObject([
    { device: 'oximeter-1', node: 'gateway-1', state: 'offline' },
  ])
})

it('exports every reading and every sample once, unaltered, in order, over many pages', async () => {
  const lines = async <T>(channel: string, query = '') => {
    const text = await (await fetch(`${page.url}/api/export/oximeter-1/${channel}${query}`)).text()
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as T)
  }
  const points = await lines<{ t: number; v: number }>('temperature')
  expect(points).toHaveLength(seconds * 5)
  expect(points.every(({ t }, k) => t === startMs + k * 200)).toBe(true)
  expect(points[7]).toEqual({ t: startMs + 1400, v: 363 })

  const samples = (segments: Segment[]) => segments.flatMap(({ t, i, v }) => v.map((value, k) => [t + k * i, value]))
  const all = samples(await lines<Segment>('pleth'))
  expect(all).toHaveLength(seconds * 100)
  expect(all.every(([t], k) => t === startMs + k * 10)).toBe(true)
  const part = samples(await lines<Segment>('pleth', `?from=${startMs + 505}&to=${startMs + 1500}`))
  expect(part.map(([t]) => t! - startMs)).toEqual(Array.from({ length: 100 }, (_, k) => 510 + k * 10))
})

it('answers a long chart in steps and a short one in points, scaled', async () => {
  const series = (to: number) =>
    page.json<Series>(`/api/devices/oximeter-1/series?channel=temperature&from=${startMs}&to=${to}&points=100`)
  expect(await series(startMs + 1000)).toMatchObject({ kind: 'points', v: [36, 36.1, 36.2, 36.3, 36.4, 36.1] })
  const long = (await series(startMs + seconds * 1000)) as Extract<Series, { kind: 'steps' }>
  expect(long).toMatchObject({ kind: 'steps', stepMs: 60_000 })
  expect(long.count.slice(0, -1).every((count) => count === 300)).toBe(true)
  expect([Math.min(...long.min), Math.max(...long.max)]).toEqual([36, 37.9])
})

it('cuts a waveform to what was asked for', async () => {
  const from = startMs + 60_250
  const { segments } = await page.json<Waves>(`/api/devices/oximeter-1/waves?channel=pleth&from=${from}&to=${from + 990}`)
  const samples = segments.flatMap(({ v }) => v)
  expect(samples).toEqual(Array.from({ length: 100 }, (_, k) => (k < 75 ? (60 + 25 + k) % 100 : (61 + k - 75) % 100)))
})
