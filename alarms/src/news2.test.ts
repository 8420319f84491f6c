/** examples/news2: every row and boundary of the chart of the Royal College of Physicians (2017), through the engine. */
import { join } from 'node:path'
import { loadConfig } from '@millrace/platform'
import { describe, expect, test } from 'vitest'
import { score } from './conditions/score/score.ts'
import { createEngine } from './engine.ts'
import { overridden } from './overrides.ts'
import { ruleFileSchema } from './rule-file.ts'
import { readings, run, tick } from './testing/records.ts'

const file = loadConfig(ruleFileSchema, join(import.meta.dirname, '../../examples/news2/rules.yaml'))
type Values = Record<string, number | string>

const well: Values = {
  respiration_rate: 16,
  spo2: 98,
  supplemental_oxygen: 0,
  systolic_pressure: 120,
  pulse_rate: 70,
  consciousness: 'alert',
  temperature: 37,
}
const scored = (values: Values, isScale2 = false) =>
  file.rules.map((rule) => {
    const own = isScale2 ? overridden(rule, rule.overrides[0]!) : rule
    return score.score(own as never, (channel) => new Map(Object.entries(values)).get(channel))
  })
const pointsOf = (values: Values, isScale2?: boolean) => scored({ ...well, ...values }, isScale2).map(({ points }) => points)

/** Value and points. */
const chart: Record<string, [number | string, number][]> = {
  respiration_rate: [[0, 3], [8, 3], [9, 1], [11, 1], [12, 0], [20, 0], [21, 2], [24, 2], [25, 3], [60, 3]],
  spo2: [[50, 3], [91, 3], [92, 2], [93, 2], [94, 1], [95, 1], [96, 0], [100, 0]],
  supplemental_oxygen: [[0, 0], [1, 2]],
  systolic_pressure: [[50, 3], [90, 3], [91, 2], [100, 2], [101, 1], [110, 1], [111, 0], [219, 0], [220, 3], [260, 3]],
  pulse_rate: [[20, 3], [40, 3], [41, 1], [50, 1], [51, 0], [90, 0], [91, 1], [110, 1], [111, 2], [130, 2], [131, 3], [200, 3]],
  consciousness: [['alert', 0], ['confusion', 3], ['voice', 3], ['pain', 3], ['unresponsive', 3]],
  temperature: [[34, 3], [35, 3], [35.1, 1], [36, 1], [36.1, 0], [38, 0], [38.1, 1], [39, 1], [39.1, 2], [41, 2]],
} // biome-ignore format: one row of the chart a line
const rows = Object.entries(chart).flatMap(([channel, row]) => row.map(([value, points]) => ({ channel, value, points })))

test.each(rows)('$channel $value: $points', ({ channel, value, points }) => {
  expect(pointsOf({ [channel]: value })).toEqual([points, points])
})

const either: [number, number][] = [[70, 3], [83, 3], [84, 2], [85, 2], [86, 1], [87, 1], [88, 0], [92, 0]] // biome-ignore format: a row
const onOxygen: [number, number][] = [[93, 1], [94, 1], [95, 2], [96, 2], [97, 3], [100, 3]] // biome-ignore format: a row

describe('SpO2 scale 2', () => {
  test.each([...either, [93, 0], [97, 0], [100, 0]] as const)('on air %d: %d', (spo2, points) => {
    expect(pointsOf({ spo2 }, true)).toEqual([points, points])
  })

  test.each([...either, ...onOxygen])('on oxygen %d: %d, and 2 for the oxygen', (spo2, points) => {
    expect(pointsOf({ spo2, supplemental_oxygen: 1 }, true)).toEqual([points + 2, points + 2])
  })

  test('is not known while it is not known whether there is oxygen', () => {
    const { supplemental_oxygen: _, ...rest } = well
    expect(scored(rest, true)[0]!.missing).toEqual(['spo2', 'supplemental_oxygen'])
    expect(scored(rest)[0]!.missing).toEqual(['supplemental_oxygen'])
  })
})

describe('alarms', () => {
  const told = (values: Values, subject = 'anna') => {
    const records = Object.entries(values).map(([channel, value], k) => readings([100 + k], [value], { channel, subject }))
    return run(createEngine(file), [tick(0), ...records, tick(1000)]).map(({ priority, text }) => `${priority}: ${text}`)
  }

  test('0 to 4 raise none, 5 and 6 an urgent one, 7 an emergency too', () => {
    expect(told(well)).toEqual([])
    expect(told({ ...well, pulse_rate: 115, temperature: 39.5 })).toEqual([])
    expect(told({ ...well, pulse_rate: 115, temperature: 39.5, spo2: 95 })).toEqual(['medium: anna: NEWS2 5 : urgent review'])
    const seven = { ...well, pulse_rate: 115, temperature: 39.5, spo2: 95, supplemental_oxygen: 1 }
    expect(told(seven)).toEqual(['medium: anna: NEWS2 7 : urgent review', 'high: anna: NEWS2 7 : emergency response'])
  })

  test('3 in one parameter is urgent', () => {
    expect(told({ ...well, consciousness: 'voice' })).toEqual(['medium: anna: NEWS2 3 : urgent review'])
  })

  test('what is missing makes it incomplete, at least n', () => {
    expect(told({ spo2: 85, consciousness: 'alert' })).toEqual([
      'medium: anna: NEWS2 3 incomplete, at least 3: no respiration_rate, no supplemental_oxygen, no systolic_pressure, no pulse_rate, no temperature: urgent review',
    ])
    expect(scored({ ...well, consciousness: 'asleep' })[0]!.missing).toEqual(['consciousness'])
  })

  test('scale 2 is that of the subjects named so', () => {
    expect(told({ ...well, spo2: 89 })).toHaveLength(1)
    expect(told({ ...well, spo2: 89 }, 'scale2-7')).toEqual([])
  })
})
