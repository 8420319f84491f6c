import type { Channel, ReadingsRecord } from '@millrace/contract'
import { expect, test } from 'vitest'
import { declare, emptyState, newDevice, noDecisions, survey } from '../accounting/index.ts'
import { column, readings, segment, t0 } from '../sample-records.ts'
import type { Traits } from './dialects/index.ts'
import { createPoints } from './points.ts'
import { parseLine } from './testing/simulated-engine.ts'

const exact: Traits = {
  ...{ precision: 'us', resolutionMs: 0.001, text: 'field', replaces: true },
  ...{ futureMsMax: Number.POSITIVE_INFINITY, durableAfterMs: 0, visibleAfterMs: 0 },
}
const coarse: Traits = { ...exact, precision: 'ms', resolutionMs: 1, text: 'label', replaces: false }
const always = () => ({ fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY })

function linesOf(traits: Traits, record: ReadingsRecord, channels: Channel[] = [], kept = always) {
  const state = emptyState()
  state.devices.set(record.device, newDevice('d', []))
  declare(state.devices.get(record.device)!, { f: 1, k: 'declaration', subject: 'd', device: record.device, node: 'n', channels })
  const taken = { offset: 0, timeMs: t0, versionMs: t0, nowMs: t0, record }
  const { lines, unwritable } = createPoints(traits)(survey(state, taken, traits.resolutionMs), noDecisions(), kept)
  return { texts: Array.from({ length: lines.count }, (_, k) => lines.text(k)), unwritable }
}

test('writes the physical value under tags of channel and device, with a quality where one is not good', () => {
  const channel: Channel = { name: 'spo2', kind: 'number', datatype: 'Int16', unit: '%', scale: 0.1 }
  const record = readings({ spo2: { ...column([0, 1000], [971, 972]), q: [0, 2] } })
  expect(linesOf(exact, record, [channel]).texts).toEqual([
    `reading,channel=spo2,device=d value=97.1,quality=0i ${t0}000`,
    `reading,channel=spo2,device=d value=97.2,quality=2i ${t0 + 1000}000`,
  ])
})

test('writes the raw number too where it cannot be worked out from the value', () => {
  const channel: Channel = { name: 'x', kind: 'number', datatype: 'Int32', unit: '1', scale: 1e-9, offset: 1e9 }
  expect(linesOf(exact, readings({ x: column([0], [1]) }), [channel]).texts).toEqual([
    `reading,channel=x,device=d value=1000000000,raw=1 ${t0}000`,
  ])
})

test('spells names and texts so that they can be read back', () => {
  const name = 'bed 7, left=side "é"'
  const text = 'a "text" \\ of two\nlines, a=b'
  const { texts } = linesOf(exact, { ...readings({ [name]: column([0], [text]) }), device: name })
  expect(parseLine(texts[0]!, exact)).toMatchObject({ values: { channel: name, device: name, text }, us: t0 * 1000 })
})

test('refuses texts where an engine has none, values that are not numbers, and names that a line cannot hold', () => {
  const record = readings({ a: column([0, 1], ['on', 1]), b: column([0], [null as unknown as number]), 'c\\': column([0], [1]) })
  const { texts, unwritable } = linesOf(coarse, record)
  expect(texts).toEqual([`reading,channel=a,device=d value=1 ${t0 + 1}`])
  expect(unwritable.map(({ code, place }) => [code, place])).toEqual([
    ['STORE_POINT_TEXT', 0],
    ['STORE_POINT_VALUE', 0],
    ['STORE_POINT_NAME', 0],
  ])
})

test('keeps samples faster than a millisecond apart where the engine can, and their start to the last digit', () => {
  const given = segment(0.5, 1000 / 360, 3, 7)
  expect(linesOf(exact, readings({}, { ecg: [given] })).texts).toEqual([
    `wave_segment,channel=ecg,device=d,interval_ms=2.7777777777777777,samples=3 shift_ms=0 ${t0}500`,
    `wave,channel=ecg,device=d value=7 ${t0}500`,
    `wave,channel=ecg,device=d value=8 ${t0 + 3}278`,
    `wave,channel=ecg,device=d value=9 ${t0 + 6}056`,
  ])
  expect(linesOf(coarse, readings({}, { ecg: [given] })).texts[0]).toBe(
    `wave_segment,channel=ecg,device=d,interval_ms=2.7777777777777777,samples=3 shift_ms=-0.5 ${t0 + 1}`,
  )
})

test('rounds the time of a sample once, as its name is: in two steps it could come to lie in the next millisecond', () => {
  const { texts } = linesOf(coarse, readings({}, { ecg: [segment(0.4996, 4, 1, 7)] }))
  expect(texts[1]).toBe(`wave,channel=ecg,device=d value=7 ${t0}`)
})

test('refuses only those readings of a record that lie outside the time kept', () => {
  const kept = () => ({ fromMs: t0 + 1000, toMs: t0 + 2000 })
  const { texts, unwritable } = linesOf(exact, readings({ a: column([0, 1000, 2000, 3000], [1, 2, 3, 4]) }), [], kept)
  expect(texts).toHaveLength(2)
  expect(unwritable.map(({ place, code }) => [place, code])).toEqual([
    [0, 'STORE_POINT_RETENTION'],
    [3, 'STORE_POINT_RETENTION'],
  ])
})
