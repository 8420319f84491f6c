import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Column, Segment } from '@millrace/contract'
import { createMetrics, silentLog } from '@millrace/platform'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cover, coverPoints, type Intervals, isFree } from '../accounting/intervals.ts'
import { at, readings, t0 } from '../sample-records.ts'
import { openEmbeddedStore } from './embedded.ts'

/** Records of a device: late, early, repeated, across hours. Times in steps of 100 ms around an hour's end. */
const time = fc.oneof(
  fc.integer({ min: 0, max: 60 }),
  fc.integer({ min: 35_970, max: 36_060 }),
  fc.integer({ min: 0, max: 80_000 }),
)
const column = fc
  .tuple(time, fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 12 }), fc.integer())
  .map(([from, deltas, v]) => {
    let t = from
    return deltas.map((delta, k) => {
      t += delta
      return { t, v: v + k }
    })
  })
const segment = fc
  .tuple(time, fc.constantFrom(4, 50, 100, 200, 1000 / 360), fc.integer({ min: 1, max: 60 }), fc.constantFrom(0, 2))
  .map(([from, i, count, shift]) => ({ t: t0 + from * 100 + shift, i, v: Array.from({ length: count }, (_, k) => k + from) }))
const step = fc.record({
  points: fc.option(column, { nil: undefined, freq: 3 }),
  segments: fc.array(segment, { maxLength: 3 }),
  merge: fc.constantFrom(false, false, false, true),
})

test('after any records and merges, each time is stored once, with its last value, and the rest is counted as collapsed', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-store-'))
  const store = await openEmbeddedStore({ path: join(dir, 'store.sqlite') }, { log: silentLog, metrics: createMetrics() })
  await store.open('log', 0)
  let offset = 0
  let devices = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const device = `device ${devices++}`
      const values = new Map<number, number>()
      const samples = new Map<number, number>()
      let given: [number, number] = [0, 0]
      for (const { points = [], segments, merge } of steps) {
        const spo2: Column = { t: points.map(({ t }) => t0 + t * 100), v: points.map(({ v }) => v) }
        for (const { t, v } of points) values.set(t0 + t * 100, v)
        for (const { t, i, v } of segments)
          for (const [k, value] of v.entries()) samples.set(Math.round((t + k * i) * 1000), value)
        given = [given[0] + points.length, given[1] + segments.reduce((sum, { v }) => sum + v.length, 0)]
        await store.write(0, [at(offset++, { ...readings({ spo2 }, { ecg: segments }), device })])
        if (merge) await store.merge()
      }
      const read = async () => ({
        points: await store.points({ device, channel: 'spo2', fromMs: 0, toMs: 1e14 }),
        segments: await store.segments({ device, channel: 'ecg', fromMs: 0, toMs: 1e14 }),
        minutes: await store.rollUp({ device, channel: 'spo2', fromMs: t0, toMs: t0 + 86_400_000 }, 60_000),
        totals: (await store.totals())[device],
      })
      const before = await read()
      expect(pairs(before.points)).toEqual([...values].sort((a, b) => a[0] - b[0]))
      expect(sampled(before.segments)).toEqual([...samples].sort((a, b) => a[0] - b[0]))
      const { stored, collapsed } = before.totals ?? { stored: [0, 0], collapsed: [0, 0] }
      expect(stored).toEqual([values.size, samples.size])
      expect(collapsed).toEqual([given[0] - values.size, given[1] - samples.size])
      await store.merge()
      expect(await read()).toEqual(before)
    }),
    { numRuns: 60 },
  )
  await store.close()
  await rm(dir, { recursive: true })
})

test('stretches cover all that was put in, whatever the order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 200_000 }), fc.integer({ min: 0, max: 3000 })), { maxLength: 80 }),
      (all) => {
        const intervals: Intervals = []
        for (const [first, length] of all) cover(intervals, first, first + length)
        for (const [first, length] of all) expect(isFree(intervals, first, first + length)).toBe(false)
        expect(intervals).toEqual([...intervals].sort((a, b) => a - b))
        expect(intervals.length).toBeLessThanOrEqual(32)
      },
    ),
  )
})

const pairs = ({ t, v }: { t: number[]; v: unknown[] }) => t.map((time, k) => [time, v[k]])

function sampled(segments: Segment[]) {
  return segments
    .flatMap(({ t, i, v }) => v.map((value, k) => [Math.round((t + k * i) * 1000), value] as const))
    .sort((a, b) => a[0] - b[0])
}

test('times read back keep their holes, so that a backlog that fills one need not be compared with what is stored', () => {
  const intervals: Intervals = []
  coverPoints(intervals, [1000, 2000, 7000, 100_000, 100_500])
  expect(intervals).toEqual([1000, 7000, 100_000, 100_500])
  expect(isFree(intervals, 20_000, 90_000)).toBe(true)
  expect(isFree(intervals, 20_000, 100_000)).toBe(false)
})
