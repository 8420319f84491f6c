import { ruleFileSchema } from '@millrace/cloud-processor/rules'
import { expect, test } from 'vitest'
import type { Api } from '../api.ts'
import { backtest } from './backtest.ts'
import { Run } from './run.ts'
import { arrivals } from './timeline.ts'

const startMs = Date.UTC(2026, 0, 1)
const minuteMs = 60_000
const dayMs = 1440 * minuteMs

/** Partitions of a tick a minute from `first` on, and how many records were read of them. */
function ticksApi(partitions: { first: number; end: number }[]) {
  const read = { records: 0 }
  const log: Api['log'] = async (_topic, partition, from, limit = 1000) => {
    const bounds = partitions[partition]
    if (!bounds) throw new Error(`/api/log/timeline?partition=${partition}: 404 `)
    const { first, end } = bounds
    const begin = Math.max(first, from ?? end)
    const records = Array.from({ length: Math.max(0, Math.min(limit, end - begin)) }, (_, k) => {
      const offset = begin + k
      return { offset, key: '', timeMs: 0, record: { f: 1, k: 'tick', atMs: startMs + offset * minuteMs } }
    })
    read.records += records.length
    return { id: 'x', start: first, end, records }
  }
  const limits: Api['limits'] = async () => ({ limits: [], rules: [], groups: [], msMax: 0 })
  return { read, api: { url: 'http://ward.example/', log, limits } as Api }
}

test('a stretch is found without reading what is before its warm-up, in every partition', async () => {
  const { api, read } = ticksApi([
    { first: 0, end: 200_000 },
    { first: 150_000, end: 200_000 },
  ])
  const stretch = { fromMs: startMs + 130 * dayMs, toMs: startMs + 130 * dayMs + 10 * minuteMs }
  const found = new Map<number, { nowMs: number; isBefore: boolean }[]>()
  for await (const { partition, nowMs, isBefore } of arrivals(api, stretch, dayMs))
    found.set(partition, [...(found.get(partition) ?? []), { nowMs: nowMs!, isBefore }])
  expect([...found.keys()]).toEqual([0, 1])
  for (const all of found.values()) {
    const beforeMs = stretch.fromMs - all[0]!.nowMs
    expect(beforeMs).toBeGreaterThanOrEqual(dayMs)
    expect(beforeMs).toBeLessThan(dayMs + 1001 * minuteMs)
    expect(all.filter(({ isBefore }) => !isBefore).map(({ nowMs }) => nowMs)).toEqual(
      Array.from({ length: 10 }, (_, k) => stretch.fromMs + k * minuteMs),
    )
  }
  expect(read.records).toBeLessThan(20_000)
})

test('the warm-up says whether the engine began with the log, within it, or where it was trimmed', async () => {
  const rules = ruleFileSchema.parse({ rules: [{ name: 'low', channel: 'spo2', condition: 'below', set: 88 }] })
  const warmUpOf = async (first: number, fromMs?: number) => {
    const { api } = ticksApi([{ first, end: first + 10_000 }])
    return (await backtest(api, [new Run(rules)], { fromMs })).warmUp
  }
  expect(await warmUpOf(0)).toBe('The engine began empty at 2026-01-01T00:00:00.000Z, where the log begins.')
  expect(await warmUpOf(0, startMs + 60 * minuteMs)).toContain('where the log begins; the 1 h before the stretch are its warm-up')
  expect(await warmUpOf(0, startMs + 5 * dayMs)).toContain('Alarms that were open or shelved before it are not known')
  expect(await warmUpOf(500)).toContain('what came before was trimmed')
})

test('a processor that fails between two pages is not the end of the log', async () => {
  const { api } = ticksApi([{ first: 0, end: 10 }])
  const broken: Api = {
    ...api,
    log: async (topic, partition, ...more) => {
      if (partition > 0) throw new Error('No processor answers at http://ward.example/')
      return api.log(topic, partition, ...more)
    },
  }
  await expect(arrivals(broken, {}, 0).next()).rejects.toThrow('No processor answers')
})
