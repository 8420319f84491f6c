import { type BadFrame, type Columns, countReadings, countSamples, timeSpan } from '@millrace/contract'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeContent, encodeContent } from './content.ts'
import { columnBytes, split } from './split.ts'

const times = (maxLength: number) =>
  fc.uniqueArray(fc.integer({ min: 1000, max: 3000 }), { maxLength }).map((t) => t.sort((a, b) => a - b))
const column = times(60).chain((t) =>
  fc.record({
    t: fc.constant(t),
    v: fc.array(fc.integer(), { minLength: t.length, maxLength: t.length }),
    q: fc.option(fc.array(fc.constantFrom(0, 1, 2), { minLength: t.length, maxLength: t.length }), { nil: undefined }),
  }),
)
const segment = fc.record({
  t: fc.integer({ min: 1000, max: 3000 }),
  i: fc.constantFrom(4, 2.5, 10),
  v: fc.array(fc.integer({ min: -99, max: 99 }), { minLength: 1, maxLength: 200 }),
})
const columnsOf = fc.record({
  channels: fc.dictionary(fc.constantFrom('1', '2', '3'), column),
  waves: fc.dictionary(fc.constantFrom('4', '5'), fc.array(segment, { minLength: 1, maxLength: 3 })),
}) as fc.Arbitrary<Columns>
const bounds = fc.record({
  batchBytesMax: fc.integer({ min: 300, max: 4000 }),
  batchReadingsMax: fc.integer({ min: 1, max: 50 }),
})

/** Each reading and each sample by its own time. */
function flat(parts: Columns[]): string[] {
  const all: string[] = []
  for (const { channels, waves } of parts) {
    for (const [name, { t, v, q }] of Object.entries(channels))
      for (const [i, at] of t.entries()) all.push(`${name} ${at} ${v[i]} ${q?.[i]}`)
    for (const [name, segments] of Object.entries(waves))
      for (const { t, i, v } of segments)
        for (const [k, value] of v.entries()) all.push(`${name} ${(t + k * i).toFixed(3)} ${value}`)
  }
  return all.sort()
}

test('the parts hold every reading and sample once, in time order, within the bounds', () => {
  fc.assert(
    fc.property(columnsOf, bounds, (columns, limits) => {
      const parts = split(columns, [], limits).map((batch) => batch.columns)
      expect(flat(parts)).toEqual(flat([columns]))
      for (const [index, part] of parts.entries()) {
        const span = timeSpan(part)!
        const isSingle = countReadings(part) + countSamples(part) === 1
        expect(columnBytes(part) <= limits.batchBytesMax || isSingle).toBe(true)
        expect(countReadings(part)).toBeLessThanOrEqual(limits.batchReadingsMax)
        const next = parts[index + 1]
        if (next) expect(timeSpan(next)!.first).toBeGreaterThanOrEqual(span.first)
      }
    }),
  )
})

test('bad frames go with the last batch while there is room, and into batches of their own otherwise', () => {
  const frame: BadFrame = { atMs: 5, reason: 'checksum', hex: 'ab'.repeat(100), bytes: 100 }
  const columns: Columns = { channels: { 1: { t: [1], v: [1] } }, waves: {} }
  const limits = { batchBytesMax: 1000, batchReadingsMax: 10 }
  expect(split(columns, [frame], limits).map(({ bad }) => bad.length)).toEqual([1])
  expect(split(columns, Array(10).fill(frame), limits).map(({ bad }) => bad.length)).toEqual([3, 3, 3, 1])
  expect(split({ channels: {}, waves: {} }, [], limits)).toEqual([])
})

test('a batch comes back from its bytes as it was, compressed or not', () => {
  fc.assert(
    fc.property(columnsOf, (columns) => {
      const batch = JSON.parse(JSON.stringify({ columns, bad: [] }))
      expect(decodeContent('data', encodeContent({ batch }))).toEqual({ batch })
    }),
  )
})
