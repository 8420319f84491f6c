import type { RegistryControl, TimelineRecord } from '@millrace/contract'
import { describe, expect, test } from 'vitest'
import { step } from './step.ts'
import { engineOf, readings, tick } from './testing/records.ts'

const noSignal = { name: 'no-signal', channel: 'spo2', condition: 'absent', afterMs: 10_000 }
const start = 1_000_000

function decommission(atMs: number, value?: string, version = 1): TimelineRecord {
  const change = { device: 'bed-1', property: 'decommissioned' as const, fromMs: atMs, ...(value ? { value } : {}) }
  const control: RegistryControl = { type: 'registry', by: 'Ada', id: 'a', version, atMs, changes: [change] }
  return { f: 1, k: 'control', control, atMs }
}

function changesOf(records: TimelineRecord[]): string[] {
  const state = engineOf([noSignal])
  return records.flatMap((record) => step(state, record)).map(({ change, atMs }) => `${change} ${atMs - start}`)
}

const second = (k: number) => tick(start + k * 1000)
const seconds = (from: number, to: number) => Array.from({ length: to - from }, (_, k) => second(from + k))

describe('a decommissioned device', () => {
  test('is not absent', () => {
    const silent = [second(0), readings([start], [97])]
    expect(changesOf([...silent, ...seconds(1, 60)])).toEqual(['raised 10000'])
    expect(changesOf([...silent, decommission(start + 2000, 'yes'), ...seconds(1, 60)])).toEqual([])
  })

  test('ends the alarm that it is absent', () => {
    const records = [
      second(0),
      readings([start], [97]),
      ...seconds(1, 30),
      decommission(start + 29_000, 'yes'),
      ...seconds(30, 60),
    ]
    expect(changesOf(records)).toEqual(['raised 10000', 'cleared 29000'])
  })

  test('is absent again when it is back in use and sends nothing', () => {
    const out = [decommission(start + 2000, 'yes'), ...seconds(1, 30)]
    const back = [decommission(start + 29_000, undefined, 2), ...seconds(30, 40)]
    expect(changesOf([second(0), readings([start], [97]), ...out, ...back])).toEqual(['raised 10000'])
  })
})
