import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createPages } from './pages.ts'
import { chunkOf } from './record-batch/chunk.ts'
import { encodeRecords } from './record-batch/encode.ts'

const seed = Date.now() % 1e9
const everything = { records: 1e9, bytes: 1e9 }

const chunk = (first: number, count: number) =>
  chunkOf(
    encodeRecords(
      'raw',
      Array.from({ length: count }, (_, k) => ({ key: 'k', value: Buffer.from(`${first + k}`) })),
      0,
    ),
    first,
    1,
  )

test('gives only neighbours, in order, from the offset asked for, whatever was added in whatever order', () => {
  const spans = fc.array(fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 5 })), { maxLength: 30 })
  const property = fc.property(spans, fc.nat(50), fc.integer({ min: 1, max: 20 }), (spans, from, records) => {
    const pages = createPages(1e9)
    const kept = new Set<number>()
    for (const [index, count] of spans) {
      // Batches of a partition do not overlap: each place has one length.
      const first = index * 5
      if (!kept.has(first)) for (let k = 0; k < count; k++) kept.add(first + k)
      pages.add('p', chunk(first, count))
    }
    const found = pages.read('p', from, { records, bytes: 1e9 })
    const expected: number[] = []
    for (let offset = from; kept.has(offset) && expected.length < records; offset++) expected.push(offset)
    expect(found?.map(({ offset }) => offset)).toEqual(expected.length === 0 ? undefined : expected)
    expect(found?.map(({ value }) => `${value}`)).toEqual(expected.length === 0 ? undefined : expected.map(String))
  })
  fc.assert(property, { seed, numRuns: 200 })
})

test('drops the oldest at its bound, over all partitions', () => {
  const one = chunk(0, 1)
  const pages = createPages((one.bytes + 400) * 3)
  for (let n = 0; n < 5; n++) pages.add(`p${n % 2}`, chunk(n, 1))
  expect(pages.read('p0', 0, everything)).toBeUndefined()
  expect(pages.read('p1', 1, everything)).toBeUndefined()
  expect(pages.read('p0', 2, everything)).toHaveLength(1)
  expect(pages.bytes()).toBeLessThanOrEqual((one.bytes + 400) * 3)
})
