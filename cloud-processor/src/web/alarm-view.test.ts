import type { AlarmRecord } from '@millrace/contract'
import { expect, test } from 'vitest'
import { createAlarmView } from './alarm-view.ts'
import { alarm } from './testing/web.ts'

const steady = new Set(['oximeter-1'])
const standing = (device: string) => ({ node: device.split('/')[0]!, isSteady: steady.has(device) })
const real = alarm()
const flood = (node: string, count: number, more: Partial<AlarmRecord> = {}) =>
  Array.from({ length: count }, (_, k) =>
    alarm({ id: `flood-${node}-${k}`, device: `${node}/${k}`, raisedMs: real.raisedMs + k, ...more }),
  )

test('a flood of alarms of one node, all high and newer, leaves the alarm of another', () => {
  const view = createAlarmView(500, standing)
  view.see([real])
  view.see(flood('hostile', 5000))
  expect(view.find(real.id)).toEqual(real)
  expect(view.list('active')).toHaveLength(500)
  expect(view.takeLeft()).toHaveLength(4501)
  expect(view.takeLeft()).toEqual([])
})

test('a flood that nobody needs to see leaves one that somebody must', () => {
  const view = createAlarmView(10, standing)
  view.see([real, ...flood('hostile', 100, { active: false, acknowledged: true })])
  expect(view.list('active')).toEqual([real])
})

test('of devices of one node, all heard steadily, the one that floods loses its own', () => {
  const view = createAlarmView(10, () => ({ node: 'plain', isSteady: true }))
  const flapping = flood('plain', 100, { device: 'flapping', active: false })
  view.see([{ ...real, active: false }, ...flapping])
  expect(view.find(real.id)).toBeDefined()
})

test('a device heard steadily keeps its many alarms beside invented devices that have one each', () => {
  const view = createAlarmView(20, (device) => ({ node: 'plain', isSteady: steady.has(device) }))
  const own = Array.from({ length: 10 }, (_, k) => alarm({ id: `own-${k}`, active: false }))
  view.see([...own, ...flood('plain', 500)])
  for (const { id } of own) expect(view.find(id)).toBeDefined()
})

test('among devices of one node those that are heard steadily come first, then the higher priority', () => {
  const view = createAlarmView(10, () => ({ node: 'plain', isSteady: false }))
  const low = alarm({ id: 'low', priority: 'low' })
  view.see([low, real, ...flood('plain', 9)])
  expect(view.takeLeft()).toEqual(['low'])
  const fair = createAlarmView(10, (device) => ({ node: 'plain', isSteady: steady.has(device) }))
  fair.see([real, ...flood('plain', 100)])
  expect(fair.find(real.id)).toEqual(real)
})
