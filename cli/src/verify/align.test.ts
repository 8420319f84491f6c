import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { align } from './align.ts'

/** 100 values, 10 ms apart, neighbours different. */
const produced = (n = 100) => ({
  t: Array.from({ length: n }, (_, i) => i * 10),
  v: Array.from({ length: n }, (_, i) => (i * 37) % 101),
})

describe('align', () => {
  test('finds nothing wrong in a whole copy', () => {
    const p = produced()
    expect(align(p, [...p.v], [], 0)).toEqual({ produced: 100, stored: 100, explained: 0, lost: 0, extra: 0, trailing: 0 })
  })

  test('names a lost, a doubled and an altered value', () => {
    const p = produced()
    expect(align(p, p.v.toSpliced(50, 1), [], 0)).toMatchObject({ lost: 1, extra: 0 })
    expect(align(p, p.v.toSpliced(50, 0, p.v[50]!), [], 0)).toMatchObject({ lost: 0, extra: 1 })
    expect(align(p, p.v.toSpliced(50, 1, 999), [], 0)).toMatchObject({ lost: 1, extra: 1 })
    expect(align(p, p.v.toSpliced(99, 1), [], 0)).toMatchObject({ lost: 1, extra: 0 })
  })

  test('takes what is missing under a gap for explained, and no more', () => {
    const p = produced()
    const stored = p.v.toSpliced(40, 20)
    expect(align(p, stored, [{ fromMs: 395, toMs: 595 }], 0)).toMatchObject({ explained: 20, lost: 0, extra: 0 })
    expect(align(p, stored, [{ fromMs: 395, toMs: 545 }], 0)).toMatchObject({ lost: 5 })
  })

  test('takes values that never change for those that were produced, however many of them a gap left', () => {
    const p = { t: produced().t, v: new Array<number>(100).fill(3) }
    expect(align(p, p.v.slice(0, 98), [{ fromMs: -5, toMs: 45 }], 0)).toMatchObject({ explained: 2, lost: 0, extra: 0 })
  })

  test('does not accept under a gap what was never produced', () => {
    const p = produced()
    const stored = p.v.toSpliced(40, 20, 999)
    expect(align(p, stored, [{ fromMs: 395, toMs: 595 }], 0)).toMatchObject({ extra: 1 })
  })

  test('follows two values that alternate through several gaps', () => {
    const v = Array.from({ length: 300 }, (_, i) => i % 2)
    const stored = v.filter((_, i) => !(i >= 50 && i < 57) && !(i >= 150 && i < 170 && i % 3 > 0) && !(i >= 290))
    const gaps = [49, 149, 289].map((i) => ({ fromMs: i * 10 + 5, toMs: i * 10 + 205 }))
    const t = v.map((_, i) => i * 10)
    expect(align({ t, v }, stored, gaps, 0)).toMatchObject({ lost: 0, extra: 0 })
    expect(align({ t, v }, stored.toSpliced(100, 1), gaps, 0).lost).toBeGreaterThan(0)
  })

  test('accepts any loss inside gaps and nothing else, also where values repeat', () => {
    const value = fc.integer({ min: 0, max: 2 })
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 30, maxLength: 200 }),
        fc.nat(199),
        fc.nat(40),
        fc.array(fc.boolean()),
        (v, start, length, keep) => {
          const from = Math.min(start, v.length)
          const to = Math.min(from + length, v.length)
          const stored = v.filter((_, i) => i < from || i >= to || keep[i - from])
          const gap = { fromMs: from * 10 - 1, toMs: (to - 1) * 10 + 1 }
          const result = align({ t: v.map((_, i) => i * 10), v }, stored, to > from ? [gap] : [], 0)
          expect(result).toMatchObject({ lost: 0, extra: 0, explained: v.length - stored.length })
        },
      ),
    )
  })
})
