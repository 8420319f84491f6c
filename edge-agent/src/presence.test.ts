import { systemClock } from '@millrace/platform'
import { beforeEach, expect, test } from 'vitest'
import { followPresence } from './presence.ts'

let nowMs: number
let isOpen: boolean
let told: string[]
let look: () => void

beforeEach(() => {
  nowMs = 0
  isOpen = true
  told = []
  const device = { id: 'a', status: () => ({ isOpen, lastBytesMs: 0, detail: '' }) }
  const uplink = {
    deviceOnline: (id: string) => told.push(`${id} online`),
    deviceOffline: (id: string) => told.push(`${id} offline`),
  }
  look = followPresence([device], uplink, { ...systemClock, monotonic: () => nowMs })
})

function pass(ms: number): void {
  for (const endMs = nowMs + ms; nowMs < endMs; ) {
    nowMs += 100
    look()
  }
}

test('a line that stays closed makes its device offline once, and online as soon as it is open', () => {
  pass(10_000)
  isOpen = false
  pass(5000)
  expect(told).toEqual([])
  pass(60_000)
  expect(told).toEqual(['a offline'])
  isOpen = true
  look()
  expect(told).toEqual(['a offline', 'a online'])
  pass(60_000)
  expect(told).toHaveLength(2)
})

test('a line that comes back within seconds, again and again, is not told of', () => {
  for (let k = 0; k < 20; k++) {
    isOpen = false
    pass(3000)
    isOpen = true
    pass(200)
  }
  expect(told).toEqual([])
})

test('a device that was never there is offline', () => {
  isOpen = false
  pass(6000)
  expect(told).toEqual(['a offline'])
})

test('a device is offline for the reason that its line is closed for', () => {
  const reasons: unknown[] = []
  const status = { isOpen: false, lastBytesMs: 0, detail: '', reason: 'locked' as const }
  const uplink = { deviceOnline() {}, deviceOffline: (_: string, reason: unknown) => reasons.push(reason) }
  look = followPresence([{ id: 'a', status: () => status }], uplink, { ...systemClock, monotonic: () => nowMs })
  pass(6000)
  expect(reasons).toEqual(['locked'])
})
