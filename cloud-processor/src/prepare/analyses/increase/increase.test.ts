import type { Channel, Counter } from '@millrace/contract'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { entryOf, type Told, tellAll, testAnalysis } from '../conformance.ts'
import { increase } from './increase.ts'

const second = 1000
const channel = (of?: Counter): Channel => ({
  name: 'energy',
  kind: 'number',
  datatype: 'Int64',
  unit: 'kW.h',
  ...(of && { counter: of }),
})
const readings = (values: [at: number, value: number][]) => values.map(([at, value]) => ({ source: 0, t: at * second, value }))
const tell = (of: Counter | undefined, values: [number, number][], keys: object = {}) =>
  tellAll(increase, entryOf(increase, [channel(of)], keys), [channel(of)], readings(values))
const of = (told: Told[], output: string) => told.filter(([name]) => name === output).map(([, t, value]) => [t / second, value])

testAnalysis(increase, {
  faulty: [{ per: 'week' }, { pauseMs: 1 }, { modulus: 0 }, { lateMs: -1 }],
  sources: [channel({ modulus: 1000, resets: true })],
  samples: readings(Array.from({ length: 300 }, (_, k) => [k + 1, (k * 37) % 1000])),
})

test('the total is the device’s own count as it would be without resets, and the rate is over each step', () => {
  const told = tell({ resets: true }, [
    [1, 100],
    [2, 110],
    [3, 4],
    [4, 14],
  ])
  expect(of(told, 'total')).toEqual([
    [1, 100],
    [2, 110],
    [3, 114],
    [4, 124],
  ])
  expect(
    of(
      tell(
        { resets: true },
        [
          [1, 0],
          [11, 5],
        ],
        { per: 'second' },
      ),
      'rate',
    ),
  ).toEqual([[11, 0.5]])
  expect(of(told, 'resets')).toEqual([
    [1, 0],
    [3, 1],
  ])
})

test('a round is exact where the counter is never reset, and called unknown where it may be', () => {
  const values: [number, number][] = [
    [1, 65_530],
    [2, 4],
  ]
  const never = tell({ modulus: 65_536, resets: false }, values)
  expect([of(never, 'total').at(-1), of(never, 'unknown')]).toEqual([[2, 65_540], [[1, 0]]])
  const maybe = tell({ modulus: 65_536, resets: true }, values)
  expect([of(maybe, 'total').at(-1), of(maybe, 'unknown').at(-1)]).toEqual([
    [2, 65_540],
    [2, 1],
  ])
})

describe('an outage', () => {
  const live: [number, number][] = [
    [1, 100],
    [1000, 200],
  ]

  test('is unknown until its readings have come', () => {
    const told = tell({ resets: true }, [...live, [500, 150], [501, 151], [1001, 201]], { pauseMs: 500_000 })
    expect(of(told, 'unknown')).toEqual([
      [1, 0],
      [1000, 1],
      [1001, 0],
    ])
    expect(of(told, 'total').slice(-3)).toEqual([
      [500, 150],
      [501, 151],
      [1001, 201],
    ])
  })

  test('in which it was reset corrects the total once that is known', () => {
    const told = tell({ resets: true }, [...live, [500, 150], [501, 3], [1001, 201]])
    expect(of(told, 'total').slice(1)).toEqual([
      [1000, 200],
      [500, 150],
      [501, 153],
      [1001, 351],
    ])
  })
})

test('what was before everything that is known has its place, too', () => {
  const told = tell({ modulus: 100, resets: false }, [
    [100, 5],
    [98, 97],
    [99, 1],
    [101, 6],
  ])
  expect(of(told, 'total')).toEqual([
    [100, 5],
    [98, -3],
    [99, 1],
    [101, 6],
  ])
})

/** What happened from one reading to the next, and what became of the reading. */
const step = fc.record({
  before: fc.nat(40),
  after: fc.nat(40),
  isReset: fc.boolean(),
  fate: fc.constantFrom('live', 'live', 'live', 'late', 'late', 'lost', 'twice'),
})
type Happened = typeof step extends fc.Arbitrary<infer T> ? T : never

interface Reading {
  at: number
  value: number
  truth: number
  /** Without what was counted between a reading and a reset: no reading has it. */
  shown: number
  fate: Happened['fate']
}

function happen(steps: Happened[], { modulus = Infinity, resets }: Counter): Reading[] {
  let [value, truth, shown] = [7, 7, 7]
  return steps.map(({ before, after, isReset, fate }, k) => {
    truth += before
    // A reset shows where the value is less than before.
    if (isReset && resets && value > 0) {
      const counted = after % value
      truth += counted
      shown += counted
      value = counted
    } else {
      value += before
      shown += before
    }
    if (value >= modulus) value -= modulus
    const isEnd = k === 0 || k === steps.length - 1
    return { at: k + 1, value, truth, shown, fate: isEnd ? 'live' : fate }
  })
}

/** Those that are late come in two lots, the second before the first. */
function arrivals(all: Reading[]): [number, number][] {
  const last = all.at(-1)!
  const live = all.slice(0, -1).filter(({ fate }) => fate === 'live' || fate === 'twice')
  const late = all.filter(({ fate }) => fate === 'late')
  const half = late.length >> 1
  const again = all.filter(({ fate }) => fate === 'twice')
  return [...live, ...again, ...late.slice(half), ...late.slice(0, half), ...again, last].map(({ at, value }) => [at, value])
}

const kinds: Counter[] = [{ resets: true }, { modulus: 100, resets: false }, { modulus: 100, resets: true }]

test.each(kinds)('the total of %o is right, or something is called unknown', (kind) => {
  const steps = fc.array(step, { minLength: 3, maxLength: 40 })
  const property = fc.property(steps, (happened) => {
    const all = happen(happened, kind)
    const told = tell(kind, arrivals(all), { pauseMs: second })
    const [total, unknown] = [of(told, 'total').at(-1)![1], of(told, 'unknown').at(-1)![1]]
    const first = of(told, 'total')[0]![1]
    const isRight = Number(total) - Number(first) === all.at(-1)!.truth - all[0]!.truth
    expect(isRight || Number(unknown) > 0).toBe(true)
    // Without a loss it is exactly what the readings show, whatever came late or twice.
    if (all.some(({ fate }) => fate === 'lost') || (kind.resets && kind.modulus)) return
    expect(Number(total) - Number(first)).toBe(all.at(-1)!.shown - all[0]!.shown)
    expect(unknown).toBe(of(told, 'resets').at(-1)![1])
  })
  fc.assert(property, { numRuns: 500 })
})
