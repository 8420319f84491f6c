import fc from 'fast-check'
import { expect, test } from 'vitest'
import { gap } from '../schema.ts'
import type { Row, RowQuery } from './dialect.ts'
import { matchingRows } from './matching-rows.ts'

const startUs = 1_790_856_000_000_000
const toUs = 7_258_118_400_000_000

/** Rows of an engine that sends all of a window, and what it was asked for. */
function engineOf(rows: Row[]) {
  const asked = { questions: 0, rows: 0 }
  const within = ({ fromUs, toUs }: RowQuery) => rows.filter(({ us }) => us >= fromUs && us <= toUs)
  const counted = (found: Row[]) => {
    asked.questions++
    return found.length
  }
  return {
    asked,
    resolutionUs: 1000,
    cheapPoints: 20,
    count: async (query: RowQuery) => counted(within(query)),
    matching: async (query: RowQuery) => counted(within(query).filter((row) => isWanted(row, query.atLeast!.value))),
    async all(query: RowQuery) {
      const found = within(query)
      asked.rows += found.length
      return found
    },
  }
}

const isWanted = ({ values }: Row, value: number) => values.to_ms === 0 || Number(values.to_ms) >= value
const ofGap = (us: number, toMs: number): Row => ({ us, values: { to_ms: toMs } })
const query = (value: number) => ({ measurement: gap, where: {}, fromUs: 0, toUs, atLeast: { field: 'to_ms', value } })

test('finds every row that is wanted, and what has its time, in order', async () => {
  const distances = fc.array(fc.tuple(fc.integer({ min: 0, max: 1e7 }), fc.integer({ min: 0, max: 100 })), { maxLength: 300 })
  const check = fc.asyncProperty(distances, fc.integer({ min: 1, max: 100 }), async (given, value) => {
    let us = startUs
    const rows = given.map(([distance, toMs]) => {
      us += distance * 1000
      return ofGap(us, toMs)
    })
    const engine = engineOf(rows)
    const times = new Set(rows.filter((row) => isWanted(row, value)).map((row) => row.us))
    expect(await matchingRows(query(value), engine)).toEqual(rows.filter((row) => times.has(row.us)))
  })
  await fc.assert(check, { numRuns: 300 })
})

test('reads little, however many rows are not wanted', async () => {
  const engine = engineOf(Array.from({ length: 50_000 }, (_, k) => ofGap(startUs + k * 1e6, k === 70 || k === 49_999 ? 0 : 5)))
  expect(await matchingRows(query(9), engine)).toHaveLength(2)
  expect(engine.asked.rows).toBeLessThan(60)
  expect(engine.asked.questions).toBeLessThan(300)
})

test('ends soon behind the limit', async () => {
  const engine = engineOf(Array.from({ length: 50_000 }, (_, k) => ofGap(startUs + k * 1e6, 9)))
  expect((await matchingRows({ ...query(9), limit: 100 }, engine)).length).toBeGreaterThan(100)
  expect(engine.asked.rows).toBeLessThan(200)
})
