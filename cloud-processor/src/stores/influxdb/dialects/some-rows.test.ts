import fc from 'fast-check'
import { expect, test } from 'vitest'
import { reading } from '../schema.ts'
import type { RowQuery } from './dialect.ts'
import { someRows } from './some-rows.ts'

const hourUs = 3_600_000_000
const gap = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 5_000_000 }), fc.integer({ min: 0, max: 4e13 }))
const given = fc.record({
  gaps: fc.array(gap, { maxLength: 300 }),
  startUs: fc.constantFrom(0, 5, 1_790_856_000_000_000),
  wanted: fc.integer({ min: 1, max: 60 }),
  isBackward: fc.boolean(),
})

/** Rows of an engine that sends all of a window, and what it was asked for. */
function engineOf(times: number[]) {
  const asked = { windows: 0, rows: 0 }
  const within = ({ fromUs, toUs }: RowQuery) => times.filter((us) => us >= fromUs && us <= toUs)
  return {
    asked,
    resolutionUs: 1,
    count: async (query: RowQuery) => {
      asked.windows++
      return within(query).length
    },
    async all(query: RowQuery) {
      const rows = within(query).map((us) => ({ us, values: {} }))
      asked.rows += rows.length
      return rows
    },
  }
}

test('gives the first or the newest, or all, and reads a few times as many at most', async () => {
  const check = fc.asyncProperty(given, async ({ gaps, startUs, wanted, isBackward }) => {
    let at = startUs
    const times = gaps.map((one) => (at += one))
    const engine = engineOf(times)
    const query = { measurement: reading, where: {}, fromUs: 0, toUs: 7_258_118_400_000_000 }
    const rows = await someRows({ ...query, ...(isBackward ? { newestFirst: wanted } : { limit: wanted }) }, engine)
    const found = rows.map(({ us }) => us)
    const distinct = new Set(times).size
    expect(new Set(found).size).toBeGreaterThanOrEqual(Math.min(wanted, distinct))
    expect(found).toEqual(isBackward ? times.slice(times.length - found.length) : times.slice(0, found.length))
    // Rows of one time cannot be told apart by a window.
    const most = Math.max(0, ...Array.from(Map.groupBy(times, (us) => us).values(), (same) => same.length))
    expect(engine.asked.rows).toBeLessThanOrEqual(wanted * 5 + wanted * most)
    expect(engine.asked.windows).toBeLessThan(400)
  })
  await fc.assert(check, { numRuns: 300 })
})

test('counts a few windows, however much follows', async () => {
  const engine = engineOf(Array.from({ length: 100_000 }, (_, k) => 1_790_856_000_000_000 + k * 4000))
  const query = { measurement: reading, where: {}, fromUs: 1_790_856_000_000_000, toUs: 1_790_856_000_000_000 + 9 * hourUs }
  const rows = await someRows({ ...query, limit: 1000 }, engine)
  expect(rows.length).toBeGreaterThanOrEqual(1000)
  expect(rows.length).toBeLessThan(5000)
  expect(engine.asked.windows).toBeLessThan(5)
})
