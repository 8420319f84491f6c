import {
  type Channel,
  type Columns,
  type CutRecord,
  type GapRecord,
  type LedgerRecord,
  nodeMetrics,
  reportName,
} from '@millrace/contract'
import { declare, encodeBatch, encodeDeviceBirth, encodeNodeData } from '@millrace/contract/sparkplug'
import { beforeEach, expect, test } from 'vitest'
import { batch, channel, columns, createAgentFeed, dataTopic, ledger } from '../testing/agent.ts'
import { now } from '../testing/feed.ts'

let feed: ReturnType<typeof createAgentFeed>

beforeEach(() => {
  feed = createAgentFeed()
})

test('declares a device once and brings its readings to the timeline', () => {
  expect(feed.born().timeline.map(({ k }) => k)).toEqual(['declaration', 'birth'])
  expect(feed.born().timeline).toEqual([])
  const { timeline } = feed.message(dataTopic, batch({}, columns([now], [97])))
  expect(timeline).toMatchObject([
    { k: 'readings', subject: 'bed-1', stream: 'streamone', number: 1, hist: false, channels: { spo2: { t: [now], v: [97] } } },
  ])
})

test('drops a repeat, also one sent again as historical', () => {
  feed.born()
  feed.message(dataTopic, batch({}, columns([now], [97])))
  expect(feed.message(dataTopic, batch({}, columns([now], [97]), { historical: true }))).toEqual({ timeline: [], rejected: [] })
})

test('rejects another batch under a name that was used', () => {
  feed.born()
  feed.message(dataTopic, batch({}, columns([now], [97])))
  expect(feed.message(dataTopic, batch({}, columns([now], [12]))).rejected).toMatchObject([{ reason: 'PREPARE_REPEAT_DIFFERS' }])
})

test('counts nothing twice when a batch that it took comes again and cannot be decoded', () => {
  feed.born()
  const bytes = batch({}, columns([now], [97]))
  feed.message(dataTopic, bytes)
  const broken = Buffer.concat([bytes, Buffer.from([0x12, 0x02, 0x0a, 0x7f])])
  expect(feed.message(dataTopic, broken).rejected).toMatchObject([{ reason: 'PREPARE_REPEAT_DIFFERS', lost: [0, 0] }])
  expect(feed.nodeEntry(2, nodeMetrics.ledger, ledger(2, 1)).timeline).toMatchObject([
    { k: 'cut', devices: { 'bed-1': { forwarded: [1, 0], rejected: [0, 0] } } },
  ])
})

test('brings alarms of the gateway to the timeline once, and refuses what is none', () => {
  feed.born()
  const about = { rule: 'low', device: 'bed-1', channel: 'spo2', priority: 'high', technical: false, text: 'low' } as const
  const alarm = { ...about, change: 'raised' as const, atMs: now, raisedMs: now, value: 84, decidedMs: now, receivers: ['lamp'] }
  const { device: _, ...told } = alarm
  expect(feed.nodeEntry(1, nodeMetrics.alarm, { f: 1, alarms: [alarm] }).timeline).toEqual([
    { f: 1, k: 'edge-alarm', subject: 'bed-1', device: 'bed-1', node: 'g/n', receivedMs: expect.any(Number), alarm: told },
  ])
  expect(feed.nodeEntry(1, nodeMetrics.alarm, { f: 1, alarms: [alarm] }).timeline).toEqual([])
  const wrong = { f: 1, alarms: [{ ...alarm, change: 'acknowledged' }] } as never
  expect(feed.nodeEntry(2, nodeMetrics.alarm, wrong)).toMatchObject({ timeline: [], rejected: [{ reason: 'PREPARE_PAYLOAD' }] })
})

test('brings a report of a gateway to the timeline, outside the ledger, and refuses what is none', () => {
  feed.born()
  const report = {
    f: 1,
    local: 'a'.repeat(64),
    running: { version: 0, hash: 'a'.repeat(64) },
    drift: false,
    takes: { configuration: true, commands: true },
  }
  const send = (text: string) =>
    feed.message(
      'spBv1.0/g/NDATA/n',
      encodeNodeData({ name: reportName, metrics: { [nodeMetrics.report]: text }, timestamp: now, seq: 7 }),
    )
  expect(send(JSON.stringify(report))).toEqual({
    timeline: [{ f: 1, k: 'gateway', subject: 'g/n', node: 'g/n', receivedMs: expect.any(Number), report }],
    rejected: [],
  })
  for (const wrong of ['', '[', '{}', JSON.stringify({ ...report, running: 7 })])
    expect(send(wrong)).toMatchObject({ timeline: [], rejected: [{ reason: 'PREPARE_PAYLOAD', lost: [0, 0] }] })
  feed.message(dataTopic, batch({}, columns([now], [97])))
  expect(feed.nodeEntry(2, nodeMetrics.ledger, ledger(2, 1)).timeline).toMatchObject([{ k: 'cut' }])
})

test('brings alarms of a gateway whose clock is wrong to the time of its readings', () => {
  feed.born()
  const about = { rule: 'low', device: 'bed-1', channel: 'spo2', priority: 'high' as const, technical: false, text: 'low' }
  const [wrongMs, offsetMs] = [now - 60_000, 60_000]
  const alarm = { ...about, change: 'raised' as const, atMs: wrongMs, raisedMs: wrongMs, decidedMs: wrongMs, receivers: [] }
  const payload = encodeNodeData({
    name: { stream: 'streamone', number: 1, count: 0 },
    metrics: { [nodeMetrics.alarm]: JSON.stringify({ f: 1, alarms: [alarm] }) },
    ...{ timestamp: wrongMs, seq: 1, clock: { offsetMs, uncertaintyMs: 3, sentOffsetMs: offsetMs } },
  })
  const { timeline } = feed.message('spBv1.0/g/NDATA/n', payload)
  expect(timeline).toMatchObject([{ k: 'edge-alarm', alarm: { atMs: now, raisedMs: now, decidedMs: now } }])
})

test('makes a cut when a ledger record is settled', () => {
  feed.born()
  feed.message(dataTopic, batch({ number: 1 }, columns([now], [97])))
  expect(feed.nodeEntry(3, nodeMetrics.ledger, ledger(3, 2)).timeline).toEqual([])
  const { timeline } = feed.message(dataTopic, batch({ number: 2 }, columns([now + 5], [98])))
  const cut = timeline.find(({ k }) => k === 'cut') as CutRecord
  expect(cut).toMatchObject({ stream: 'streamone', through: 3, devices: { 'bed-1': { forwarded: [2, 0], ahead: [0, 0] } } })
})

test('shows an eviction as a gap, less what it had seen', () => {
  feed.born()
  feed.message(dataTopic, batch({ number: 1 }, columns([now], [97])))
  const gap: GapRecord = {
    f: 1,
    reason: 'evicted',
    stream: 'streamone',
    numbers: [[1, 3]],
    devices: { 'bed-1': [{ fromMs: now, toMs: now + 9, lost: [3, 0] }] },
  }
  expect(feed.nodeEntry(4, nodeMetrics.gap, gap).timeline).toMatchObject([
    { k: 'gap', reason: 'evicted', fromMs: now, toMs: now + 9, lost: [2, 0] },
  ])
  expect(feed.nodeEntry(5, nodeMetrics.ledger, ledger(5, 3)).timeline).toMatchObject([
    { k: 'cut', devices: { 'bed-1': { forwarded: [1, 0], evicted: [2, 0] } } },
  ])
})

test('turns an absence into an open gap', () => {
  feed.born()
  const { timeline } = feed.message(
    dataTopic,
    batch({ count: 0 }, { channels: {}, waves: {}, absences: [{ channel: 'spo2', t: now, reason: 'probe-off' }] }),
  )
  expect(timeline).toMatchObject([{ k: 'gap', channel: 'spo2', reason: 'probe-off', fromMs: now }])
})

test('rejects by name what repeats a millisecond of its channel, counts it, and replays none of it', () => {
  feed.born()
  const bytes = batch({ count: 4 }, columns([now, now, now + 1, now], [97, 98, 99, 96]))
  const { timeline, rejected } = feed.message(dataTopic, bytes)
  expect(timeline).toMatchObject([{ channels: { spo2: { t: [now, now + 1], v: [97, 99] } } }])
  expect(rejected).toMatchObject([{ reason: 'PREPARE_TIME_REPEATED', lost: [2, 0], channel: 'spo2' }])
  expect(feed.message(dataTopic, bytes)).toEqual({ timeline: [], rejected: [] })
  expect(feed.replay(dataTopic, bytes).timeline).toEqual([])
  const cut = feed.nodeEntry(2, nodeMetrics.ledger, ledger(2, 4)).timeline
  expect(cut).toMatchObject([{ devices: { 'bed-1': { forwarded: [2, 0], rejected: [2, 0] } } }])
})

test('rejects segments whose samples a store of millisecond resolution would take for one, but of a faster channel none', () => {
  feed.born()
  const wave = (name: string, intervalMs: number): Channel => ({
    ...{ name, kind: 'waveform', datatype: 'Int16Array', unit: '1', intervalMs },
  })
  const declared = declare('bed-1', [
    { alias: 2, channel: wave('pleth', 10) },
    { alias: 3, channel: wave('fast', 0.5) },
  ])
  feed.message('spBv1.0/g/DBIRTH/n/bed-1', encodeDeviceBirth(declared, { timestamp: now, seq: 1 }))
  const pleth = [
    { t: now, i: 10, v: [1, 2, 3] },
    { t: now + 20, i: 10, v: [4] },
    { t: now + 21, i: 1, v: [5, 6] },
    { t: now + 30, i: 10 / 64, v: [7, 8, 9] },
  ]
  const fast = [{ t: now, i: 0.5, v: [1, 2, 3] }]
  const bytes = encodeBatch({
    name: { stream: 'streamone', number: 1, count: 0 },
    columns: { channels: {}, waves: { pleth, fast } },
    aliasOf: (name) => (name === 'pleth' ? 2 : 3),
    datatypeOf: () => 'Int16Array',
    timestamp: now,
    seq: 0,
    historical: false,
  })
  const { timeline, rejected } = feed.message(dataTopic, bytes)
  expect(timeline).toMatchObject([{ waves: { pleth: [pleth[0], pleth[2]], fast } }])
  expect(rejected).toMatchObject([{ reason: 'PREPARE_TIME_REPEATED', lost: [0, 4], channel: 'pleth' }])
})

test('rejects what it cannot decode whole, and its stream goes on', () => {
  feed.born()
  const bytes = batch({ count: 1 }, columns([now], [97]))
  const broken = Buffer.from(bytes)
  const uuidAt = broken.indexOf('millrace:')
  // The metric's length now runs past the end, behind the name.
  const cut = Buffer.concat([broken.subarray(0, broken.length), Buffer.from([0x12, 0x7f, 0x01])])
  expect(uuidAt).toBeGreaterThan(0)
  expect(feed.message(dataTopic, cut).rejected).toMatchObject([{ reason: 'PREPARE_PAYLOAD' }])
  expect(feed.message(dataTopic, batch({ number: 2 }, columns([now + 1], [98]))).timeline).toHaveLength(1)
})

test('takes a stream only from the node that it belongs to', () => {
  feed.born()
  feed.message(dataTopic, batch({}, columns([now], [97])))
  feed.message(
    'spBv1.0/g/DBIRTH/other/bed-9',
    encodeDeviceBirth(declare('bed-9', [{ alias: 1, channel }]), { timestamp: now, seq: 1 }),
  )
  expect(feed.message('spBv1.0/g/DDATA/other/bed-9', batch({ number: 2 }, columns([now + 1], [5]))).timeline).toEqual([])
})

test('rejects a segment whose interval leads out of time, and an absence out of time', () => {
  const wave: Channel = { name: 'pleth', kind: 'waveform', datatype: 'Int16Array', unit: '1', intervalMs: 10 }
  feed.message(
    'spBv1.0/g/DBIRTH/n/bed-1',
    encodeDeviceBirth(declare('bed-1', [{ alias: 2, channel: wave }]), { timestamp: now, seq: 1 }),
  )
  const inside: Columns = {
    channels: {},
    waves: { pleth: [{ t: now, i: 1e12, v: [1, 2, 3] }] },
    absences: [{ channel: '*', t: 1e15, reason: 'probe-off' }],
  }
  const bytes = encodeBatch({
    name: { stream: 'streamone', number: 1, count: 0 },
    columns: inside,
    aliasOf: () => 2,
    channelOf: () => wave,
    datatypeOf: () => 'Int16Array',
    timestamp: now,
    seq: 0,
    historical: false,
  } as Parameters<typeof encodeBatch>[0])
  const { timeline, rejected } = feed.message(dataTopic, bytes)
  expect(timeline).toEqual([])
  expect(rejected).toMatchObject([{ reason: 'PREPARE_TIME', lost: [0, 3] }])
})

test('rejects a ledger or gap record that is not what it must be, and goes on', () => {
  feed.born()
  const wrong = [null, 5, [], { f: 1 }, { ...ledger(2, 1), floors: null }, { ...ledger(2, 1), devices: { 'bed-1': {} } }]
  for (const [index, record] of wrong.entries())
    expect(feed.nodeEntry(index + 1, nodeMetrics.ledger, record as LedgerRecord).rejected).toMatchObject([
      { reason: 'PREPARE_PAYLOAD' },
    ])
  const gap = { f: 1, reason: 'evicted', stream: 'streamone', numbers: [['a', 'b']], devices: {} }
  expect(feed.nodeEntry(9, nodeMetrics.gap, gap as never).rejected).toMatchObject([{ reason: 'PREPARE_PAYLOAD' }])
})
