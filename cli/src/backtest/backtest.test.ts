import { ruleFileSchema } from '@millrace/cloud-processor/rules'
import type { AlarmRecord } from '@millrace/contract'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { backtest } from './backtest.ts'
import { figuresOf } from './figures.ts'
import { printFigures } from './print.ts'
import { Run } from './run.ts'
import { at, livedWard, rules } from './testing/lived-ward.ts'
import type { Ward } from './testing/ward.ts'
import { stretchOf } from './times.ts'

let ward: Ward
beforeAll(async () => {
  ward = await livedWard()
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

test('a limit that was set before the log begins, and counts still, counts from its beginning on', async () => {
  const limit = {
    id: 'x',
    rule: 'spo2-low',
    devices: ['bed-1'],
    keys: { set: 60 },
    by: 'Anna',
    reason: 'COPD',
    atMs: at(-86_400),
  }
  const view = { limits: [limit, { ...limit, id: 'y', keys: { set: 99 }, untilMs: at(30) }], rules: [], groups: [], msMax: 1 }
  const run = new Run(ruleFileSchema.parse(rules))
  await backtest({ ...ward.api, limits: async () => view }, [run], {})
  expect(
    run.episodes.all().flatMap(({ rule, kind, raisedMs }) => (rule === 'spo2-low' && kind === 'told' ? [raisedMs] : [])),
  ).toEqual([at(3)])
})

test('times have a zone, and a day begins in UTC', () => {
  const fromMs = Date.UTC(2026, 10, 29, 7)
  expect(stretchOf({ from: '2026-11-29T08:00:00+01:00', to: '2026-11-30' })).toEqual({ fromMs, toMs: Date.UTC(2026, 10, 30) })
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
