import type { Segment } from '@millrace/contract'
import { expect, test } from 'vitest'
import type { StoreReader } from '../stores/store.ts'
import { exportLines } from './export.ts'

const count = 20_000
const range = { device: 'd', channel: 'c', from: 0, to: count }
const numbers = (from: number, to: number) => Array.from({ length: Math.max(0, to - from) }, (_, k) => from + k)

/** From memory: without a pause of its own. */
const store = {
  refresh: async () => {},
  corrections: async () => [{ device: 'd', fromMs: 100, toMs: 199, byMs: -5, uncertaintyMs: 1 }],
  async points({ fromMs }, limit) {
    const t = numbers(Math.max(0, fromMs), Math.min(count, fromMs + limit!))
    return { t, v: t }
  },
  async segments({ fromMs }, limit) {
    const first = Math.max(0, Math.floor(fromMs / 100))
    return numbers(first, Math.min(count / 100, first + limit!)).map((k): Segment => ({ t: k * 100, i: 1, v: numbers(0, 100) }))
  },
} satisfies Partial<StoreReader>

test.each(['number', 'waveform'] as const)('others run after every thousand values of an export (%s)', async (kind) => {
  let values = 0
  let sinceTurn = 0
  let most = 0
  let isDone = false
  const turn = () => {
    sinceTurn = 0
    if (!isDone) setImmediate(turn)
  }
  setImmediate(turn)
  for await (const text of exportLines(store as unknown as StoreReader, kind, range)) {
    const found = kind === 'number' ? text.split('\n').length - 1 : JSON.parse(text).v.length
    values += found
    sinceTurn += found
    most = Math.max(most, sinceTurn)
  }
  isDone = true
  expect(values).toBe(count)
  expect(most).toBeLessThanOrEqual(1000)
})

test.each(['number', 'waveform'] as const)('what was corrected says by how much (%s)', async (kind) => {
  const lines: { t: number; byMs?: number }[] = []
  for await (const text of exportLines(store as unknown as StoreReader, kind, { ...range, to: 400 }))
    lines.push(
      ...text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    )
  const corrected = lines.filter(({ byMs }) => byMs !== undefined)
  expect(corrected[0]).toMatchObject({ t: 100, byMs: -5, uncertaintyMs: 1 })
  expect(corrected).toHaveLength(kind === 'number' ? 100 : 1)
})
