import { ruleFileSchema } from '@millrace/cloud-processor/rules'
import type { AlarmRecord, Control, TimelineRecord } from '@millrace/contract'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { backtest } from './backtest.ts'
import { figuresOf } from './figures.ts'
import { printFigures } from './print.ts'
import { Run } from './run.ts'
import { openWard, type Ward } from './testing/ward.ts'
import { stretchOf } from './times.ts'

const startMs = Date.UTC(2026, 10, 29, 8)
const rules = {
  rules: [
    { name: 'spo2-low', channel: 'spo2', condition: 'below', set: 88, clear: 90, delayOnMs: 2000, priority: 'high' },
    { name: 'no-spo2', channel: 'spo2', condition: 'absent', afterMs: 4000 },
  ],
}
const about = { f: 1, subject: 'anna', device: 'bed-1' } as const
const at = (second: number) => startMs + second * 1000
const tick = (second: number): TimelineRecord => ({ f: 1, k: 'tick', atMs: at(second) })
const control = (second: number, order: Control): TimelineRecord => ({ f: 1, k: 'control', control: order, atMs: at(second) })
const reading = (second: number, percent: number): TimelineRecord => ({
  ...{ ...about, k: 'readings', hist: false, receivedMs: at(second), waves: {} },
  channels: { spo2: { t: [at(second)], v: [percent * 10] } },
})
const channel = { name: 'spo2', kind: 'number', datatype: 'Int16', unit: '%', scale: 0.1 } as const
const declaration: TimelineRecord = { ...about, k: 'declaration', node: 'ward', channels: [channel] }
const announced = (second: number) => control(second, { by: 'configuration', type: 'rules', rules })

/** A value each second, null for none, and a tick behind it. */
const seconds = (from: number, values: (number | null)[]): TimelineRecord[] =>
  values.flatMap((value, k) => [...(value === null ? [] : [reading(from + k, value)]), tick(from + k)])
const many = (count: number, value: number | null) => Array.from({ length: count }, () => value)

let ward: Ward
/** Two lows of which the first is acknowledged, silence, late data of a low, a gap, a tick that jumps, the rules announced again while a new device is silent. */
beforeAll(async () => {
  ward = await openWard(rules)
  await ward.live([tick(0), declaration, announced(0), ...seconds(1, [95, 95, 85, 85, 85, 85])])
  const [raised] = await ward.alarms()
  await ward.live([
    control(7, { by: 'nurse', type: 'acknowledge', alarm: raised!.id }),
    ...seconds(8, [85, 95, 95, ...many(8, null), 95]),
    reading(-60, 80),
    reading(-55, 80),
    { ...about, k: 'gap', reason: 'probe-off', fromMs: at(20), toMs: at(22) },
    ...seconds(22, [95, 84, 84, 84, 84, 95]),
    announced(28),
    ...seconds(60, many(20, 95)),
    ...seconds(80, [70, 70, 70, 70]),
    { ...declaration, subject: 'bert', device: 'bed-2' },
    ...seconds(84, many(3, 70)),
    announced(86),
    ...seconds(87, many(7, 70)),
  ])
})
afterAll(() => ward.close())

async function alarmsOf(run: (onChange: (alarm: AlarmRecord) => void) => Run): Promise<AlarmRecord[]> {
  const all: AlarmRecord[] = []
  await backtest(ward.api, [run((alarm) => all.push(alarm))], {})
  return all.map((alarm) => JSON.parse(JSON.stringify(alarm)))
}

test('with the rules in force the alarms are those of the log, record by record', async () => {
  const live = await ward.alarms()
  expect(live.map(({ change, rule }) => `${change} ${rule}`)).toEqual(
    expect.arrayContaining(['acknowledged spo2-low', 'raised no-spo2', 'raised ingest-gap', 'cleared spo2-low']),
  )
  expect(live.some(({ retrospective }) => retrospective)).toBe(true)
  expect(await alarmsOf((onChange) => new Run(ruleFileSchema.parse(rules), onChange))).toEqual(live)
})

test('other rules act from the beginning, whatever the log announces', async () => {
  const low = { ...rules.rules[0]!, set: 80, clear: 80 }
  const alarms = await alarmsOf((onChange) => new Run(ruleFileSchema.parse({ rules: [low] }), onChange))
  expect(alarms.filter(({ rule }) => rule === 'spo2-low').map(({ raisedMs }) => raisedMs)).toContain(at(82))
  expect(alarms.some(({ rule, raisedMs }) => rule === 'spo2-low' && raisedMs === at(5))).toBe(false)
})

test('alarms, durations, devices and load are counted', async () => {
  const run = new Run(ruleFileSchema.parse(rules))
  const counted = await backtest(ward.api, [run], {})
  const { rules: found, devices, load } = figuresOf(run, counted)
  expect(found.map(({ rule, alarms, open, late }) => [rule, alarms, open, late])).toEqual([
    ['spo2-low', 3, 1, 1],
    ['no-spo2', 2, 1, 0],
    ['ingest-gap', 1, 0, 0],
  ])
  expect(found[0]).toMatchObject({ medianMs: 4000, longestMs: 11_000, perDay: 2787.1 })
  expect(devices).toMatchObject([
    {
      device: 'bed-1',
      subject: 'anna',
      alarms: 4,
      rules: [
        { rule: 'spo2-low', alarms: 3 },
        { rule: 'no-spo2', alarms: 1 },
      ],
    },
    { device: 'bed-2', alarms: 1 },
    { device: 'millrace', alarms: 1 },
  ])
  expect(load).toEqual({ perHour: 232.26, mostInHour: 6, mostFromMs: at(4) })
  expect(printFigures(counted, { rules: found, devices, load })).toContain('where the log begins')
})

test('a stretch has its warm-up named, and counts what begins in it', async () => {
  const run = new Run(ruleFileSchema.parse(rules))
  const from = new Date(at(12)).toISOString()
  const counted = await backtest(ward.api, [run], stretchOf({ from, to: new Date(at(81)).toISOString() }))
  expect([counted.fromMs, counted.toMs]).toEqual([at(12), at(80)])
  expect(counted.warmUp).toContain(`began empty at ${new Date(at(0)).toISOString()}, where the log begins`)
  expect(figuresOf(run, counted).rules.map(({ rule, alarms }) => [rule, alarms])).toEqual([
    ['spo2-low', 1],
    ['no-spo2', 1],
    ['ingest-gap', 1],
  ])
})

test('a wrong question is answered with its value and a remedy', async () => {
  expect(() => stretchOf({ from: '2026-02-31' })).toThrow('--from 2026-02-31 is not a time with its zone: write 2026-')
  expect(() => stretchOf({ to: '2026-11-29T08:00' })).toThrow('--to 2026-11-29T08:00 is not')
  expect(() => stretchOf({ from: '2026-11-29', to: '2026-11-28' })).toThrow('is not before --to 2026-11-28')
  const run = new Run(ruleFileSchema.parse(rules))
  await expect(backtest(ward.api, [run], stretchOf({ from: '2030-01-01' }))).rejects.toThrow(
    /nothing of --from 2030-01-01.*begins at 20/,
  )
})
