/** The parts of the page that need no browser. */
import { describe, expect, it } from 'vitest'
import { countedOf, isImported, mainChannels } from '../web/src/channels.ts'
import { columnsOf, emptyHistory } from '../web/src/charts/history.ts'
import { runsOf, sharesOf } from '../web/src/charts/runs.ts'
import { ageText, briefText, channelText, unitText, valueText } from '../web/src/format.ts'
import { delayMs, Ring } from '../web/src/live/ring.ts'
import { soundOf } from '../web/src/live/sound-due.ts'
import { States } from '../web/src/live/states.ts'
import { demoAlarm } from './demo/alarms.ts'

const segment = (t: number, count = 10, i = 10) => ({ t, i, v: Array.from({ length: count }, (_, k) => t + k * i) })

describe('the play-out clock of a waveform', () => {
  it('stays evenly behind the newest samples however they are lumped', () => {
    const ring = new Ring(10)
    let local = 0
    const heads: number[] = []
    for (let t = 0; t < 5000; t += 100) {
      // Lumps arrive up to 90 ms late, by turns.
      ring.add(segment(t), 1, 0, t + 100 + ((t / 100) % 4) * 30)
      for (; local < t + 100; local += 20) heads.push(ring.head(local))
    }
    const settled = heads.slice(150)
    const steps = settled.slice(1).map((head, k) => head - settled[k]!)
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...steps)).toBeLessThan(45)
    const lag = ring.newestMs - settled.at(-1)!
    expect(lag).toBeGreaterThan(delayMs - 200)
    expect(lag).toBeLessThan(delayMs + 200)
  })

  it('goes on while nothing comes, so that an outage becomes visible', () => {
    const ring = new Ring(10)
    ring.add(segment(1000), 1, 0, 5000)
    const before = ring.head(7000)
    expect(ring.head(8000) - before).toBe(1000)
    expect(ring.head(8000)).toBeGreaterThan(ring.newestMs)
  })

  it('follows a device clock that was set', () => {
    const ring = new Ring(10)
    ring.add(segment(1_000_000), 1, 0, 1000)
    ring.head(1000)
    ring.add(segment(9_000_000), 1, 0, 2000)
    expect(Math.abs(ring.head(2000) - 9_000_090)).toBeLessThan(delayMs + 1)
  })
})

describe('the ring of samples', () => {
  it('keeps the newest, scaled, and finds them by time', () => {
    const ring = new Ring(10)
    for (let t = 0; t < 100_000; t += 100) ring.add(segment(t), 0.5, 1, t)
    expect(ring.newestMs).toBe(99_990)
    expect(ring.count - ring.oldest).toBe(ring.t.length)
    expect(ring.value(ring.find(99_000))).toBe(99_000 * 0.5 + 1)
    expect(ring.time(ring.find(99_001))).toBe(99_010)
  })

  it('takes the past before what came live, and leaves out what it has', () => {
    const ring = new Ring(10)
    ring.add(segment(1000), 1, 0, 0)
    ring.prepend([segment(800, 15), segment(950, 20)], 1, 0)
    const times = Array.from({ length: ring.count }, (_, n) => ring.time(n))
    expect(times).toEqual(Array.from({ length: 30 }, (_, k) => 800 + k * 10))
    expect(ring.revision).toBe(1)
  })

  it('ignores samples that it has seen', () => {
    const ring = new Ring(10)
    ring.add(segment(0, 20), 1, 0, 0)
    ring.add(segment(100, 20), 1, 0, 0)
    expect(ring.count).toBe(30)
  })
})

it('never draws a line across an absence', () => {
  const t = Array.from({ length: 20 }, (_, k) => k * 1000 + (k >= 10 ? 200_000 : 0))
  const history = { ...emptyHistory(), t, mean: t.map(() => 1), min: t.map(() => 1), max: t.map(() => 1) }
  expect(columnsOf(history)[1].filter((value) => value === null)).toHaveLength(1)
  const gaps = [{ device: 'd', reason: 'probe-off' as const, fromMs: 3200, toMs: 3800 }]
  expect(columnsOf({ ...history, gaps })[1].indexOf(null)).toBe(4)
})

it('writes values, units, names and ages as people do', () => {
  const channel = { name: 'temperature', kind: 'number', datatype: 'Int32', unit: 'Cel', scale: 0.1 } as const
  expect(valueText(37, channel)).toMatch(/^37[.,]0$/)
  expect(valueText(Number.NaN, channel)).toBe('–')
  expect(briefText(35_109.743, { ...channel, scale: 0.001 })).toMatch(/^35.?109[.,]7$/)
  expect([unitText('Cel'), unitText('1'), unitText('{beats}/min'), unitText('ug/m3')]).toEqual(['°C', '', 'bpm', 'µg/m³'])
  expect([channelText('spo2'), channelText('resp-wave'), channelText('PM2.5')]).toEqual(['SpO₂', 'Resp wave', 'PM2.5'])
  expect([ageText(4000), ageText(300_000), ageText(7_300_000)]).toEqual(['4 s', '5 min', '2 h'])
})

describe('states over time', () => {
  const shown = { fromMs: 0, toMs: 100 }

  it('joins what stays the same, and ends a state where the next one begins', () => {
    expect(runsOf({ t: [10, 20, 30, 40], v: ['a', 'a', 'b', 'a'] }, [], shown)).toEqual([
      { fromMs: 10, toMs: 30, value: 'a' },
      { fromMs: 30, toMs: 40, value: 'b' },
      { fromMs: 40, toMs: 100, value: 'a' },
    ])
  })

  it('shows nothing in an absence', () => {
    expect(runsOf({ t: [10, 60], v: [true, true] }, [{ fromMs: 30, toMs: 60 }, { fromMs: 80 }], shown)).toEqual([
      { fromMs: 10, toMs: 30, value: true },
      { fromMs: 60, toMs: 80, value: true },
    ])
  })

  it('cuts at the edges of what is shown', () => {
    expect(runsOf({ t: [10, 60], v: ['a', 'b'] }, [], { fromMs: 40, toMs: 50 })).toEqual([{ fromMs: 40, toMs: 50, value: 'a' }])
  })

  it('gives each state its share of the time, in an order that does not depend on which came first', () => {
    const runs = runsOf({ t: [10, 20, 30], v: ['b', 'a', 'b'] }, [], { fromMs: 0, toMs: 50 })
    expect(sharesOf(runs)).toEqual([
      { value: 'a', ms: 10 },
      { value: 'b', ms: 30 },
    ])
  })

  it('keeps the changes that came live, once each', () => {
    const states = new States()
    states.add([1, 2, 3], ['on', 'on', 'off'])
    states.add([2, 4], ['on', 'on'])
    expect([states.t, states.v]).toEqual([
      [1, 3, 4],
      ['on', 'off', 'on'],
    ])
  })
})

describe('the sound of alarms', () => {
  const alarm = (id: string, more: object = {}) => demoAlarm(0, { id, ...more })

  it('is made at once for what is new, again by urgency, and for nothing that somebody takes care of', () => {
    const alarms = [
      alarm('seen', { acknowledged: true }),
      alarm('shelved', { shelved: { untilMs: 1 } }),
      alarm('silenced', { silenced: { untilMs: 1 } }),
      alarm('low', { priority: 'low' }),
    ]
    expect(soundOf(alarms, new Set(), 0)?.id).toBe('low')
    const known = new Set(['low', 'high'])
    expect([soundOf(alarms, known, 59_000), soundOf(alarms, known, 60_000)?.id]).toEqual([undefined, 'low'])
    expect(soundOf([alarm('high'), ...alarms], known, 5000)?.id).toBe('high')
    expect(soundOf(alarms.slice(0, 3), new Set(), 1e9)).toBeUndefined()
  })
})

it('shows a counter with its total and rate, and these not beside it', () => {
  const recipe = { analysis: 'increase', version: 1, channels: ['energy'], parameters: {} }
  const channel = (name: string, more: object = {}) =>
    ({ name, kind: 'number', datatype: 'Double', unit: 'kW.h', ...more }) as const
  const energy = channel('energy', { counter: { resets: true } })
  const [total, rate] = ['import.total', 'import.rate'].map((name) => channel(name, { recipe }))
  const channels = [energy, channel('power'), total!, rate!]
  expect(countedOf(channels, energy)).toEqual({ total, rate })
  expect(countedOf(channels, channel('power'))).toEqual({})
  expect(mainChannels(channels, 4).map(({ name }) => name)).toEqual(['power', 'energy'])
  expect([unitText('kW.h/h'), unitText('m3/d'), unitText('m/s'), unitText('1/min')]).toEqual(['kWh/h', 'm³/d', 'm/s', '/min'])
})

it('takes a device for imported when all that it has is of the past', () => {
  const now = { name: 'spo2', kind: 'number', datatype: 'Float', unit: '%' } as const
  const past = { ...now, historical: true } as const
  expect([[], [now], [now, past], [past]].map((channels) => isImported({ channels }))).toEqual([false, false, false, true])
})
