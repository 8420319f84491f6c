import { expect, it } from 'vitest'
import { Unreadable } from './unreadable.ts'

it('tells once what came, within two seconds, when nothing of it was a frame', () => {
  const unreadable = new Unreadable()
  unreadable.look(Buffer.from('$GP'), 1000, 0)
  expect(unreadable.due(2400)).toBeUndefined()
  unreadable.look(Uint8Array.of(0x80, 0x0a), 2450, 0)
  expect(unreadable.due(2500)).toBe('5 bytes, which begin with 24 47 50 80 0a "$GP.."')
  expect(unreadable.due(9000)).toBeUndefined()
})

it('tells nothing while frames come, and again after they came', () => {
  const unreadable = new Unreadable()
  for (let k = 1; k < 20; k++) {
    unreadable.look(Buffer.from('x'), k * 500, k)
    expect(unreadable.due(k * 500 + 499)).toBeUndefined()
  }
  for (const nowMs of [20_000, 21_000, 22_000]) unreadable.look(Buffer.alloc(4000), nowMs, 19)
  expect(unreadable.due(22_000)).toContain('12000 bytes')
})
