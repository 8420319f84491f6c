import { emptyEdgeCounts, type LedgerRecord, type Tally } from '@millrace/contract'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { countGap, createStream, cut, deduplicate, hold, raiseFloor, seenOf, settle } from './stream.ts'

const ledger = (through: number, read: number, floors: Record<string, number> = {}): LedgerRecord => ({
  f: 1,
  stream: 's',
  through,
  devices: { d: { ...emptyEdgeCounts(), read: [read, 0] } },
  floors,
})

describe('a stream', () => {
  test('uses each number once', () => {
    const stream = createStream('g/n')
    expect(deduplicate(stream, 1, 7)).toBe('new')
    settle(stream, 1, { device: 'd', atMs: 0, forwarded: [5, 0], rejected: [0, 0], digest: 7 })
    expect(deduplicate(stream, 1, 7)).toBe('repeat')
    expect(deduplicate(stream, 1, 8)).toBe('other-content')
  })

  test('takes a number below the floor for a repeat', () => {
    const stream = createStream('g/n')
    settle(stream, 1, { device: 'd', atMs: 0, forwarded: [5, 0], rejected: [0, 0], digest: 7 })
    expect(raiseFloor(stream, 2)).toBe(0)
    expect(deduplicate(stream, 1, 99)).toBe('repeat')
  })

  test('says how many numbers were freed that it never saw', () => {
    const stream = createStream('g/n')
    settle(stream, 2, { device: 'd', atMs: 0, forwarded: [5, 0], rejected: [0, 0], digest: 7 })
    expect(raiseFloor(stream, 4)).toBe(2)
  })

  test('makes a cut only when everything before it is settled, without what lies above', () => {
    const stream = createStream('g/n')
    settle(stream, 1, { device: 'd', atMs: 0, forwarded: [5, 0], rejected: [0, 0], digest: 1 })
    settle(stream, 3, { device: '', atMs: 0, forwarded: [0, 0], rejected: [0, 0], digest: 1 })
    hold(stream, ledger(2, 8))
    settle(stream, 4, { device: 'd', atMs: 0, forwarded: [2, 0], rejected: [0, 0], digest: 1 })
    expect(cut(stream, 's')).toBeUndefined()
    settle(stream, 2, { device: 'd', atMs: 0, forwarded: [3, 0], rejected: [0, 0], digest: 1 })
    expect(cut(stream, 's')).toMatchObject({ through: 2, devices: { d: { forwarded: [8, 0], ahead: [2, 0] } } })
    expect(cut(stream, 's')).toBeUndefined()
  })

  test('counts as evicted only what it had not seen', () => {
    const stream = createStream('g/n')
    settle(stream, 1, { device: 'd', atMs: 0, forwarded: [5, 0], rejected: [0, 0], digest: 1 })
    expect(seenOf(stream, [[1, 2]])).toMatchObject([{ device: 'd', forwarded: [5, 0] }])
    countGap(stream, [[1, 2]], 'evicted', new Map([['d', [4, 0] as Tally]]))
    settle(stream, 3, { device: '', atMs: 0, forwarded: [0, 0], rejected: [0, 0], digest: 1 })
    hold(stream, ledger(3, 9))
    expect(cut(stream, 's')).toMatchObject({ devices: { d: { forwarded: [5, 0], evicted: [4, 0] } } })
  })

  test('closes its ledger whatever order, repeats and losses its numbers come in', () => {
    const entry = fc.record({ readings: fc.integer({ min: 0, max: 9 }), isEvicted: fc.boolean(), isSeen: fc.boolean() })
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 40 }), fc.infiniteStream(fc.nat()), (entries, random) => {
        const stream = createStream('g/n')
        const arrivals: (() => void)[] = []
        let read = 0
        entries.forEach(({ readings, isEvicted, isSeen }, index) => {
          const number = index + 1
          read += readings
          const arrive = () => {
            if (deduplicate(stream, number, 0) === 'new')
              settle(stream, number, { device: 'd', atMs: 0, forwarded: [readings, 0], rejected: [0, 0], digest: 0 })
          }
          if (!isEvicted || isSeen) arrivals.push(arrive, arrive)
          if (isEvicted) {
            arrivals.push(() => {
              const seen = seenOf(stream, [[number, number]])[0]?.forwarded[0] ?? 0
              countGap(stream, [[number, number]], 'evicted', new Map([['d', [readings - seen, 0] as Tally]]))
            })
          }
        })
        for (let i = arrivals.length - 1; i > 0; i--) {
          const j = random.next().value % (i + 1)
          ;[arrivals[i], arrivals[j]] = [arrivals[j]!, arrivals[i]!]
        }
        hold(stream, ledger(entries.length, read))
        for (const arrive of arrivals) arrive()
        const { devices } = cut(stream, 's')!
        const { forwarded, evicted } = devices.d!
        expect(forwarded[0] + evicted[0]).toBe(read)
      }),
    )
  })
})
