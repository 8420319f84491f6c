import { ruleFileSchema } from '@millrace/cloud-processor/rules'
import type { TimelineRecord } from '@millrace/contract'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Api } from '../api.ts'
import { backtest } from './backtest.ts'
import { type CountedGrid, suggest } from './grid.ts'
import { differencesToLive, LateTimes, printDifferences } from './live.ts'
import { Run } from './run.ts'
import { at, livedWard, rules } from './testing/lived-ward.ts'
import type { Ward } from './testing/ward.ts'

const file = ruleFileSchema.parse(rules)
let ward: Ward
let api: Api
beforeAll(async () => {
  ward = await livedWard()
  api = await withStore(ward.api)
})
afterAll(() => ward.close())

/** What a store would hold of the log: readings of each channel by time, and gaps. */
async function withStore(log: Api): Promise<Api> {
  const all: TimelineRecord[] = []
  for (let next = 0; ; ) {
    const { records } = await log.log('timeline', 0, next)
    if (records.length === 0) break
    all.push(...records.map(({ record }) => record as unknown as TimelineRecord))
    next = records.at(-1)!.offset + 1
  }
  const of = <K extends TimelineRecord['k']>(k: K) =>
    all.filter((record): record is Extract<TimelineRecord, { k: K }> => record.k === k)
  const readings = of('readings')
  return {
    ...log,
    fleet: async () =>
      of('declaration').map(({ device, subject, node, channels }) => ({
        ...{ device, subject, node, channels },
        state: 'up',
      })),
    gaps: async (fromMs: number, toMs: number) => of('gap').filter((gap) => gap.fromMs < toMs && (gap.toMs ?? Infinity) > fromMs),
    exportPoints: async (device: string, channel: string, fromMs: number, toMs: number) =>
      readings
        .flatMap((record) =>
          record.device === device
            ? (record.channels[channel]?.t ?? []).map((t, k) => ({ t, v: record.channels[channel]!.v[k]! }))
            : [],
        )
        .filter(({ t }) => t >= fromMs && t <= toMs)
        .sort((a, b) => a.t - b.t),
  } as unknown as Api
}

test('in the order of event time the same lows are found, and late data is no longer late', async () => {
  const run = new Run(file)
  const counted = await backtest(api, [run], { fromMs: at(-70), toMs: at(94) }, 'store')
  const lows = run.episodes.all().filter(({ rule, kind }) => rule === 'spo2-low' && kind === 'told')
  expect(lows.map(({ raisedMs }) => raisedMs)).toEqual(expect.arrayContaining([at(5), at(25), at(82)]))
  expect(run.episodes.all().filter(({ kind }) => kind === 'late')).toEqual([])
  expect(counted.warmUp).toContain('in the order of event time')
  expect([...counted.devices]).toEqual(['bed-1'])
})

test('each difference to live has its cause', async () => {
  const [store, live, late] = [new Run(file), new Run(file), new LateTimes(file)]
  const stretch = { fromMs: at(-70), toMs: at(94) }
  await backtest(api, [store], stretch, 'store')
  await backtest(api, [live, late], stretch)
  const differences = differencesToLive(store, live, late)
  const causes = differences.map(({ only, cause, alarm }) => `${only} ${cause} ${alarm.rule}`)
  expect(causes).toContain('live path ingest-gap')
  expect(causes).toContain('store late spo2-low')
  expect(causes.filter((one) => one.includes(' other '))).toEqual([])
  expect(printDifferences(differences)).toContain('its readings came late')
  expect(printDifferences([])).toContain('the same alarms')
})

test('without --from, and without a device that has the channel, it says so', async () => {
  await expect(backtest(api, [new Run(file)], {}, 'store')).rejects.toThrow('--over store needs --from')
  const other = ruleFileSchema.parse({ rules: [{ ...rules.rules[0]!, channel: 'co2' }] })
  await expect(backtest(api, [new Run(other)], { fromMs: at(0) }, 'store')).rejects.toThrow('has a channel of the rules: co2')
})

test('limits for a wanted load: nearest below, the shorter delay first', () => {
  const axis = (key: string, values: number[]) => ({ key, values })
  const grid: CountedGrid = {
    rule: 'low',
    rows: axis('limit', [84, 86]),
    columns: axis('delayOnMs', [0, 2000]),
    counts: [
      [6, 4],
      [9, 4],
    ],
  }
  expect(suggest(grid, 5)).toEqual([
    { values: { limit: 84, delayOnMs: 2000 }, alarms: 4 },
    { values: { limit: 86, delayOnMs: 2000 }, alarms: 4 },
  ])
  expect(suggest(grid, 6)[0]).toEqual({ values: { limit: 84, delayOnMs: 0 }, alarms: 6 })
  expect(suggest(grid, 1)).toEqual([])
})
