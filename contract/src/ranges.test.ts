import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addRange, formatRanges, inRanges, parseRanges, type Ranges, removeBelow, removeNumber } from './ranges.ts'

const added = (steps: [number, number][]): Ranges => {
  const ranges: Ranges = []
  for (const [first, length] of steps) addRange(ranges, first, first + length)
  return ranges
}
const steps = fc.array(fc.tuple(fc.nat(60), fc.nat(6)), { maxLength: 25 })
const numbersOf = (ranges: Ranges) =>
  ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i))

describe('ranges', () => {
  it('hold what a set would hold, in order, disjoint and not touching', () => {
    fc.assert(
      fc.property(steps, (steps) => {
        const ranges = added(steps)
        const set = new Set(steps.flatMap(([first, length]) => numbersOf([[first, first + length]])))
        expect(numbersOf(ranges)).toEqual([...set].sort((a, b) => a - b))
        for (let index = 1; index < ranges.length; index++) expect(ranges[index]![0]).toBeGreaterThan(ranges[index - 1]![1] + 1)
        for (let number = -1; number < 70; number++) expect(inRanges(ranges, number)).toBe(set.has(number))
      }),
    )
  })

  it('lose what is below the floor and nothing else', () => {
    fc.assert(
      fc.property(steps, fc.nat(70), (steps, floor) => {
        const ranges = added(steps)
        const expected = numbersOf(ranges).filter((number) => number >= floor)
        removeBelow(ranges, floor)
        expect(numbersOf(ranges)).toEqual(expected)
      }),
    )
  })

  it('lose one number, and say whether it was there', () => {
    fc.assert(
      fc.property(steps, fc.nat(70), (steps, number) => {
        const ranges = added(steps)
        const before = numbersOf(ranges)
        expect(removeNumber(ranges, number)).toBe(before.includes(number))
        expect(numbersOf(ranges)).toEqual(before.filter((one) => one !== number))
      }),
    )
  })

  it('come back from their text', () => {
    expect(
      formatRanges([
        [1841, 1850],
        [1853, 1853],
      ]),
    ).toBe('1841-1850,1853')
    fc.assert(
      fc.property(
        steps.filter((steps) => steps.length > 0),
        (steps) => {
          expect(parseRanges(formatRanges(added(steps)))).toEqual(added(steps))
        },
      ),
    )
  })

  it('are none where the text is something else', () => {
    for (const text of ['', ',', '1,', 'a', '-1', '2-1', '1-2-3', '1.5', '1 ', '1234567890123456'])
      expect([text, parseRanges(text)]).toEqual([text, undefined])
  })
})
