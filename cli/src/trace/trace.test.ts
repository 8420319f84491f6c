import { encodePayload } from '@millrace/contract/sparkplug'
import { expect, test } from 'vitest'
import type { Api, LogPage } from '../api.ts'
import { printTrace, trace } from './trace.ts'

const stream = 'abcdef0123456789'
const uuid = `millrace:${stream}/7/2`
const payload = (name: string) => Buffer.from(encodePayload({ timestamp: 1120, metrics: [], uuid: name })).toString('base64')
const source = (offset: number) => ({ log: 'l', partition: 0, offset, index: 0 })

const topics: Record<string, LogPage['records']> = {
  raw: [
    { offset: 0, key: 'n', timeMs: 900, record: { k: 'tick' } },
    {
      offset: 1,
      key: 'n',
      timeMs: 1131,
      record: { k: 'message', topic: 'spBv1.0/w/DDATA/g/bed-1', receivedMs: 1130, payloadBase64: payload(uuid) },
    },
  ],
  timeline: [
    {
      ...{ offset: 40, key: 'bed-1', timeMs: 1135, source: source(1) },
      record: {
        ...{ k: 'readings', device: 'bed-1', subject: 'bed-1', stream, number: 7, hist: false },
        channels: { spo2: { t: [1000, 1100], v: [88, 87] } },
        waves: { pleth: [{ t: 1000, i: 10, v: [1, 2, 3] }] },
      },
    },
    { offset: 41, key: 'x', timeMs: 1200, record: { k: 'tick' } },
  ],
  rejected: [
    {
      offset: 3,
      key: 'n',
      timeMs: 1300,
      record: { reason: 'poisoned', topic: 'spBv1.0/w/DDATA/g/bed-1', bytesBase64: payload(`millrace:${stream}/8/1`) },
    },
    { offset: 4, key: 'n', timeMs: 1300, record: { reason: 'bad-frame', bytesBase64: 'AA==' } },
  ],
  alarms: [
    {
      offset: 2,
      key: 'bed-1',
      timeMs: 1140,
      source: source(40),
      record: { k: 'alarm', id: 'low/bed-1/spo2/1100', change: 'raised', text: 'spo2 87 %' },
    },
  ],
}

/** @param has times of spo2 that are in the store */
function apiOf(has: number[]): Api {
  return {
    log: async (topic: string, partition: number, from?: number) => {
      if (partition > 0) throw new Error('404')
      const all = topics[topic]!
      const records = from === undefined ? [] : all.filter(({ offset }) => offset >= from)
      return { id: 'l', start: all[0]!.offset, end: all.at(-1)!.offset + 1, records }
    },
    exportPoints: async () => has.map((t) => ({ t, v: 1 })),
    exportSegments: async () => [{ t: 900, i: 10, v: Array.from({ length: 50 }, () => 0) }],
  } as unknown as Api
}

test('a batch is followed from the reading to the alarm, by its name or as the newest of its device', async () => {
  const found = await trace(apiOf([1000, 1100]), `${stream}/7`)
  expect(found.hops.map(({ hop, atMs }) => [hop, atMs])).toEqual([
    ['measured', 1100],
    ['sent', 1120],
    ['received', 1130],
    ['durable', 1131],
    ['accepted', 1135],
    ['stored', undefined],
    ['alarm', 1140],
  ])
  expect(found).toMatchObject({ batch: uuid, device: 'bed-1', isWhole: true })
  expect(await trace(apiOf([1000, 1100]), uuid)).toEqual(found)
  expect(await trace(apiOf([1000, 1100]), 'bed-1')).toEqual(found)
  const text = printTrace(found)
  expect(text).toMatch(/^durable +1970-01-01T00:00:01.131Z +\+31 ms +raw\/0 at 1/m)
  expect(text).toMatch(/^stored .* 5 of 5$/m)
})

test('what is missing in the store is counted', async () => {
  const found = await trace(apiOf([1000]), `${stream}/7`)
  expect([found.isWhole, found.hops.find(({ hop }) => hop === 'stored')!.says]).toEqual([false, '4 of 5'])
})

test('a batch that was rejected is found by its bytes, and one that never came is told so', async () => {
  expect((await trace(apiOf([]), `${stream}/8`)).hops).toEqual([
    { hop: 'rejected', atMs: 1300, says: 'poisoned, rejected/0 at 3' },
  ])
  await expect(trace(apiOf([]), `${stream}/9`)).rejects.toThrow(/^The log has no batch .*waits in its agent/)
  await expect(trace(apiOf([]), 'nobody')).rejects.toThrow('The log has no readings of a device nobody')
})
