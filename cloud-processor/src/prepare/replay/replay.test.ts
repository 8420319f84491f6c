import { nodeMetrics } from '@millrace/contract'
import { encodeDeviceBirth, encodeNodeData, encodePayload } from '@millrace/contract/sparkplug'
import { beforeEach, expect, test } from 'vitest'
import { batch, columns, createAgentFeed, dataTopic, declaration, ledger, plain } from '../testing/agent.ts'
import { now } from '../testing/feed.ts'

let feed: ReturnType<typeof createAgentFeed>

beforeEach(() => {
  feed = createAgentFeed()
})

test('rejects a reading out of time alone, and replays it once when the limit is put right', () => {
  feed.born()
  const late = now + 2 * 3_600_000
  const bytes = batch({ count: 2 }, columns([now, late], [97, 98]))
  const first = feed.message(dataTopic, bytes)
  expect(first.rejected).toMatchObject([{ reason: 'PREPARE_TIME', lost: [1, 0], channel: 'spo2' }])
  expect(first.timeline).toMatchObject([{ channels: { spo2: { t: [now] } } }])
  expect(feed.replay(dataTopic, bytes).timeline).toEqual([])
  feed.reconfigure({ futureMsMax: 3 * 3_600_000 })
  expect(feed.replay(dataTopic, bytes).timeline).toMatchObject([{ channels: { spo2: { t: [late], v: [98] } } }])
  expect(feed.replay(dataTopic, bytes).timeline).toEqual([])
  const { timeline } = feed.nodeEntry(2, nodeMetrics.ledger, ledger(2, 2))
  expect(timeline).toMatchObject([{ devices: { 'bed-1': { forwarded: [2, 0], rejected: [0, 0] } } }])
})

test('rejects readings under an alias that nobody declared, and takes them on replay after the birth', () => {
  const bytes = batch({ count: 1 }, columns([now], [97]))
  expect(feed.message(dataTopic, bytes).rejected).toMatchObject([{ reason: 'PREPARE_READING', lost: [1, 0] }])
  feed.born()
  expect(feed.replay(dataTopic, bytes).timeline).toMatchObject([{ channels: { spo2: { t: [now], v: [97] } } }])
  expect(feed.replay(dataTopic, bytes).timeline).toEqual([])
})

test('remembers for a replay no more than it may, however much one message holds', () => {
  const metrics = Array.from({ length: 60_000 }, (_, k) => ({
    alias: k,
    timestamp: now,
    datatype: 'Boolean' as const,
    value: true,
  }))
  for (const seq of [0, 1, 2]) feed.message('spBv1.0/g/DDATA/f/d', encodePayload({ timestamp: now, seq, metrics }))
  expect(feed.state().redoSize).toBe(60_000)
  expect(feed.state().redo.size).toBe(1)
})

test('takes readings of a foreign node on replay, when the birth that was missing came', () => {
  const data = encodePayload({
    timestamp: now,
    seq: 2,
    metrics: [{ alias: 7, timestamp: now + 1, datatype: 'Double', value: 36.6 }],
  })
  expect(feed.message('spBv1.0/g/DDATA/f/d', data).rejected).toMatchObject([{ reason: 'PREPARE_READING', lost: [1, 0] }])
  const metrics = [{ name: 'temp', alias: 7, timestamp: now, datatype: 'Double' as const, value: null }]
  feed.message('spBv1.0/g/DBIRTH/f/d', encodePayload({ timestamp: now, seq: 1, metrics }))
  expect(feed.replay('spBv1.0/g/DDATA/f/d', data).timeline).toMatchObject([{ channels: { temp: { v: [36.6] } } }])
  expect(feed.replay('spBv1.0/g/DDATA/f/d', data).timeline).toEqual([])
  expect(feed.tick(now).timeline[2]).toMatchObject({ devices: { d: { forwarded: [1, 0], rejected: [0, 0] } } })
})

test('adds nothing by a replay to a message that has a good and a bad reading of one time', () => {
  const metrics = [{ name: 'temp', alias: 7, timestamp: now, datatype: 'Double' as const, value: null }]
  feed.message('spBv1.0/g/DBIRTH/f/d', encodePayload({ timestamp: now, seq: 1, metrics }))
  const one = (value: number) => ({ alias: 7, timestamp: now, datatype: 'Double' as const, value })
  const data = encodePayload({ timestamp: now, seq: 2, metrics: [one(36.6), one(Number.NaN)] })
  expect(feed.message('spBv1.0/g/DDATA/f/d', data).timeline).toMatchObject([{ channels: { temp: { v: [36.6] } } }])
  expect(feed.replay('spBv1.0/g/DDATA/f/d', data).timeline).toEqual([])
})

test('changes nothing by a replay that makes nothing good, and keeps it for a later one', () => {
  const bytes = batch({ count: 1 }, columns([now], [97]))
  feed.message(dataTopic, bytes)
  feed.nodeEntry(2, nodeMetrics.ledger, ledger(2, 1))
  const plainBytes = Buffer.from(`{"at":"noon","when":${now},"hr":61}`)
  feed.message('plain/p1', plainBytes)
  feed.tick(now)
  expect(feed.replay(dataTopic, bytes).timeline).toEqual([])
  expect(feed.replay('plain/p1', plainBytes).timeline).toEqual([])
  expect(feed.tick(now).timeline.map(({ k }) => k)).toEqual(['tick'])
  feed.born()
  expect(feed.replay(dataTopic, bytes).timeline.map(({ k }) => k)).toEqual(['readings', 'cut'])
})

test('takes plain readings on replay when their time is found, each once, and counts them over', () => {
  const bytes = Buffer.from(`[{"when":${now},"at":${now},"hr":61},{"when":${now + 1},"at":"noon","hr":62}]`)
  expect(feed.message('plain/p1', bytes).rejected).toMatchObject([{ reason: 'PREPARE_READING', lost: [1, 0] }])
  expect(feed.replay('plain/p1', bytes).timeline).toEqual([])
  feed.reconfigure({ plain: [{ ...plain, time: 'when' }] })
  expect(feed.replay('plain/p1', bytes).timeline).toMatchObject([{ k: 'readings', channels: { hr: { t: [now + 1], v: [62] } } }])
  expect(feed.replay('plain/p1', bytes).timeline).toEqual([])
  expect(feed.tick(now).timeline[1]).toMatchObject({ devices: { p1: { forwarded: [2, 0], rejected: [0, 0] } } })
})

test('takes plain readings on replay that were out of time, or that no filter or no path found', () => {
  const late = Buffer.from(`{"at":${now + 7_200_000},"hr":61}`)
  const elsewhere = Buffer.from(`{"at":${now},"hr":62}`)
  const renamed = Buffer.from(`{"at":${now},"pulse":63}`)
  expect(feed.message('plain/p1', late).rejected).toMatchObject([{ reason: 'PREPARE_TIME' }])
  expect(feed.message('beds/p2', elsewhere).rejected).toMatchObject([{ reason: 'PREPARE_TOPIC' }])
  expect(feed.message('plain/p3', renamed).rejected).toMatchObject([{ reason: 'PREPARE_PAYLOAD' }])
  const channels = [...plain.channels, { name: 'pulse', path: 'pulse' }]
  const fixed = { futureMsMax: 10_000_000, plain: [{ ...plain, filter: '+/+', channels }] }
  feed.reconfigure(fixed)
  for (const [topic, bytes, value] of [
    ['plain/p1', late, 61],
    ['beds/p2', elsewhere, 62],
    ['plain/p3', renamed, 63],
  ] as const) {
    const readings = feed.replay(topic, bytes).timeline.find(({ k }) => k === 'readings') as { channels: object } | undefined
    expect(Object.values(readings!.channels)).toMatchObject([{ v: [value] }])
    expect(feed.replay(topic, bytes)).toEqual({ timeline: [], rejected: [] })
  }
})

test('makes a cut again when a replay changed what it counted, of a stream that ended too', () => {
  const bytes = batch({ count: 1 }, columns([now], [97]))
  feed.message(dataTopic, bytes)
  const end = { ...ledger(2, 1), closed: true }
  expect(feed.nodeEntry(2, nodeMetrics.ledger, end).timeline).toMatchObject([{ devices: { 'bed-1': { rejected: [1, 0] } } }])
  const next = { ...ledger(1, 0), stream: 'streamtwo', floors: { streamtwo: 1 } }
  feed.message(
    'spBv1.0/g/NDATA/n',
    encodeNodeData({
      name: { stream: 'streamtwo', number: 1, count: 0 },
      metrics: { [nodeMetrics.ledger]: JSON.stringify(next) },
      timestamp: now,
      seq: 1,
    }),
  )
  feed.born()
  expect(feed.replay(dataTopic, bytes).timeline).toMatchObject([
    { k: 'readings' },
    { k: 'cut', stream: 'streamone', through: 2, devices: { 'bed-1': { forwarded: [1, 0], rejected: [0, 0] } } },
  ])
})

test('does not take a node for born by a birth that is replayed', () => {
  const good = encodeDeviceBirth(declaration, { timestamp: now, seq: 1 })
  const bad = Buffer.concat([good, Buffer.from([0x12, 0x04, 0x0a, 0x02, 0xff, 0xff])])
  const data = batch({ count: 1 }, columns([now], [97]))
  expect(feed.message('spBv1.0/g/DBIRTH/n/bed-1', bad).rejected).toHaveLength(1)
  expect(feed.message(dataTopic, data).timeline).toHaveLength(1)
  expect(feed.replay('spBv1.0/g/DBIRTH/n/bed-1', bad)).toEqual({ timeline: [], rejected: [] })
})
