import {
  type BatchName,
  type Channel,
  type Columns,
  type CutRecord,
  decodeJson,
  emptyEdgeCounts,
  encodeRaw,
  type GapRecord,
  type LedgerRecord,
  nodeMetrics,
  type RawRecord,
  type RejectedRecord,
  type TimelineRecord,
  topics,
} from '@millrace/contract'
import {
  declare,
  encodeBatch,
  encodeDeviceBirth,
  encodeNodeBirth,
  encodeNodeData,
  encodeNodeDeath,
  encodePayload,
} from '@millrace/contract/sparkplug'
import { beforeEach, describe, expect, test } from 'vitest'
import { prepareSchema } from './config.ts'
import { createPrepareStage } from './prepare.ts'

const now = Date.UTC(2026, 0, 1)
const channel: Channel = { name: 'spo2', kind: 'number', datatype: 'Int16', unit: '%' }
const declaration = declare('bed-1', [{ alias: 1, channel }])
const plain = { filter: 'plain/+', device: '{1}', time: 'at', channels: [{ name: 'hr', path: 'hr' }] }

let stage: ReturnType<typeof createPrepareStage>
let state: ReturnType<typeof stage.initial>
let offset: number

beforeEach(() => {
  stage = createPrepareStage(prepareSchema.parse({ plain: [plain] }))
  state = stage.initial(0)
  offset = 0
})

/** Feeds one raw record; between records the state goes through its snapshot. */
function feed(raw: RawRecord) {
  const timeline: TimelineRecord[] = []
  const rejected: RejectedRecord[] = []
  stage.step(state, { offset: offset++, key: '', value: encodeRaw(raw), timeMs: now }, (topic, _key, value) => {
    if (topic === topics.timeline) timeline.push(decodeJson(value))
    else rejected.push(decodeJson(value))
  })
  state = stage.decode(stage.encode(state))
  return { timeline, rejected }
}

const message = (topic: string, payload: Uint8Array) => feed({ k: 'message', topic, payload, receivedMs: now })
const replay = (topic: string, payload: Uint8Array) =>
  feed({
    k: 'control',
    atMs: now,
    control: {
      by: 'test',
      type: 'replay-rejected',
      topic,
      payloadBase64: Buffer.from(payload).toString('base64'),
      receivedMs: now,
    },
  })

const dataTopic = 'spBv1.0/g/DDATA/n/bed-1'
const born = () => {
  message('spBv1.0/g/NBIRTH/n', encodeNodeBirth({ bdSeq: 3, timestamp: now }))
  return message('spBv1.0/g/DBIRTH/n/bed-1', encodeDeviceBirth(declaration, { timestamp: now, seq: 1 }))
}
const columns = (t: number[], v: number[]): Columns => ({ channels: { spo2: { t, v } }, waves: {} })
const batch = (name: Partial<BatchName>, inside: Columns, options: { historical?: boolean; alias?: number } = {}) =>
  encodeBatch({
    name: { stream: 'streamone', number: 1, count: 1, ...name },
    columns: inside,
    aliasOf: () => options.alias ?? 1,
    channelOf: () => channel,
    datatypeOf: () => 'Int16',
    timestamp: now,
    seq: 0,
    historical: options.historical ?? false,
  } as Parameters<typeof encodeBatch>[0])
const nodeEntry = (number: number, metric: string, record: LedgerRecord | GapRecord) =>
  message(
    'spBv1.0/g/NDATA/n',
    encodeNodeData({
      name: { stream: 'streamone', number, count: 0 },
      metrics: { [metric]: JSON.stringify(record) },
      timestamp: now,
      seq: 1,
    }),
  )
const ledger = (through: number, read: number): LedgerRecord => ({
  f: 1,
  stream: 'streamone',
  through,
  devices: { 'bed-1': { ...emptyEdgeCounts(), read: [read, 0] } },
  floors: { streamone: 1 },
})

describe('prepare', () => {
  test('declares a device once and brings its readings to the timeline', () => {
    expect(born().timeline.map(({ k }) => k)).toEqual(['declaration', 'birth'])
    expect(born().timeline).toEqual([])
    const { timeline } = message(dataTopic, batch({}, columns([now], [97])))
    expect(timeline).toMatchObject([
      { k: 'readings', subject: 'bed-1', stream: 'streamone', number: 1, hist: false, channels: { spo2: { t: [now], v: [97] } } },
    ])
  })

  test('drops a repeat, also one sent again as historical', () => {
    born()
    message(dataTopic, batch({}, columns([now], [97])))
    expect(message(dataTopic, batch({}, columns([now], [97]), { historical: true }))).toEqual({ timeline: [], rejected: [] })
  })

  test('rejects another batch under a name that was used', () => {
    born()
    message(dataTopic, batch({}, columns([now], [97])))
    expect(message(dataTopic, batch({}, columns([now], [12]))).rejected).toMatchObject([{ reason: 'PREPARE_REPEAT_DIFFERS' }])
  })

  test('counts nothing twice when a batch that it took comes again and cannot be decoded', () => {
    born()
    const bytes = batch({}, columns([now], [97]))
    message(dataTopic, bytes)
    const broken = Buffer.concat([bytes, Buffer.from([0x12, 0x02, 0x0a, 0x7f])])
    expect(message(dataTopic, broken).rejected).toMatchObject([{ reason: 'PREPARE_REPEAT_DIFFERS', lost: [0, 0] }])
    expect(nodeEntry(2, nodeMetrics.ledger, ledger(2, 1)).timeline).toMatchObject([
      { k: 'cut', devices: { 'bed-1': { forwarded: [1, 0], rejected: [0, 0] } } },
    ])
  })

  test('makes a cut when a ledger record is settled', () => {
    born()
    message(dataTopic, batch({ number: 1 }, columns([now], [97])))
    expect(nodeEntry(3, nodeMetrics.ledger, ledger(3, 2)).timeline).toEqual([])
    const { timeline } = message(dataTopic, batch({ number: 2 }, columns([now + 5], [98])))
    const cut = timeline.find(({ k }) => k === 'cut') as CutRecord
    expect(cut).toMatchObject({ stream: 'streamone', through: 3, devices: { 'bed-1': { forwarded: [2, 0], ahead: [0, 0] } } })
  })

  test('shows an eviction as a gap, less what it had seen', () => {
    born()
    message(dataTopic, batch({ number: 1 }, columns([now], [97])))
    const gap: GapRecord = {
      f: 1,
      reason: 'evicted',
      stream: 'streamone',
      numbers: [[1, 3]],
      devices: { 'bed-1': [{ fromMs: now, toMs: now + 9, lost: [3, 0] }] },
    }
    expect(nodeEntry(4, nodeMetrics.gap, gap).timeline).toMatchObject([
      { k: 'gap', reason: 'evicted', fromMs: now, toMs: now + 9, lost: [2, 0] },
    ])
    expect(nodeEntry(5, nodeMetrics.ledger, ledger(5, 3)).timeline).toMatchObject([
      { k: 'cut', devices: { 'bed-1': { forwarded: [1, 0], evicted: [2, 0] } } },
    ])
  })

  test('turns an absence into an open gap', () => {
    born()
    const { timeline } = message(
      dataTopic,
      batch({ count: 0 }, { channels: {}, waves: {}, absences: [{ channel: 'spo2', t: now, reason: 'probe-off' }] }),
    )
    expect(timeline).toMatchObject([{ k: 'gap', channel: 'spo2', reason: 'probe-off', fromMs: now }])
  })

  test('rejects a reading out of time alone, and replays it once when the limit is put right', () => {
    born()
    const late = now + 2 * 3_600_000
    const bytes = batch({ count: 2 }, columns([now, late], [97, 98]))
    const first = message(dataTopic, bytes)
    expect(first.rejected).toMatchObject([{ reason: 'PREPARE_TIME', lost: [1, 0], channel: 'spo2' }])
    expect(first.timeline).toMatchObject([{ channels: { spo2: { t: [now] } } }])
    expect(replay(dataTopic, bytes).timeline).toEqual([])
    stage = createPrepareStage(prepareSchema.parse({ futureMsMax: 3 * 3_600_000 }))
    expect(replay(dataTopic, bytes).timeline).toMatchObject([{ channels: { spo2: { t: [late], v: [98] } } }])
    expect(replay(dataTopic, bytes).timeline).toEqual([])
    const { timeline } = nodeEntry(2, nodeMetrics.ledger, ledger(2, 2))
    expect(timeline).toMatchObject([{ devices: { 'bed-1': { forwarded: [2, 0], rejected: [0, 0] } } }])
  })

  test('rejects by name what repeats a millisecond of its channel, counts it, and replays none of it', () => {
    born()
    const bytes = batch({ count: 4 }, columns([now, now, now + 1, now], [97, 98, 99, 96]))
    const { timeline, rejected } = message(dataTopic, bytes)
    expect(timeline).toMatchObject([{ channels: { spo2: { t: [now, now + 1], v: [97, 99] } } }])
    expect(rejected).toMatchObject([{ reason: 'PREPARE_TIME_REPEATED', lost: [2, 0], channel: 'spo2' }])
    expect(message(dataTopic, bytes)).toEqual({ timeline: [], rejected: [] })
    expect(replay(dataTopic, bytes).timeline).toEqual([])
    const cut = nodeEntry(2, nodeMetrics.ledger, ledger(2, 4)).timeline
    expect(cut).toMatchObject([{ devices: { 'bed-1': { forwarded: [2, 0], rejected: [2, 0] } } }])
  })

  test('rejects segments whose samples a store of millisecond resolution would take for one, but of a faster channel none', () => {
    born()
    const wave = (name: string, intervalMs: number): Channel => ({
      ...{ name, kind: 'waveform', datatype: 'Int16Array', unit: '1', intervalMs },
    })
    const declared = declare('bed-1', [
      { alias: 2, channel: wave('pleth', 10) },
      { alias: 3, channel: wave('fast', 0.5) },
    ])
    message('spBv1.0/g/DBIRTH/n/bed-1', encodeDeviceBirth(declared, { timestamp: now, seq: 1 }))
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
    const { timeline, rejected } = message(dataTopic, bytes)
    expect(timeline).toMatchObject([{ waves: { pleth: [pleth[0], pleth[2]], fast } }])
    expect(rejected).toMatchObject([{ reason: 'PREPARE_TIME_REPEATED', lost: [0, 4], channel: 'pleth' }])
  })

  test('rejects what it cannot decode whole, and its stream goes on', () => {
    born()
    const bytes = batch({ count: 1 }, columns([now], [97]))
    const broken = Buffer.from(bytes)
    const uuidAt = broken.indexOf('millrace:')
    // The metric's length now runs past the end, behind the name.
    const cut = Buffer.concat([broken.subarray(0, broken.length), Buffer.from([0x12, 0x7f, 0x01])])
    expect(uuidAt).toBeGreaterThan(0)
    expect(message(dataTopic, cut).rejected).toMatchObject([{ reason: 'PREPARE_PAYLOAD' }])
    expect(message(dataTopic, batch({ number: 2 }, columns([now + 1], [98]))).timeline).toHaveLength(1)
  })

  test('rejects readings under an alias that nobody declared, and takes them on replay after the birth', () => {
    const bytes = batch({ count: 1 }, columns([now], [97]))
    expect(message(dataTopic, bytes).rejected).toMatchObject([{ reason: 'PREPARE_READING', lost: [1, 0] }])
    born()
    expect(replay(dataTopic, bytes).timeline).toMatchObject([{ channels: { spo2: { t: [now], v: [97] } } }])
    expect(replay(dataTopic, bytes).timeline).toEqual([])
  })

  test('tells the death of a node for each of its devices, but not by an old will', () => {
    born()
    expect(message('spBv1.0/g/NDEATH/n', encodeNodeDeath(2)).timeline).toEqual([])
    expect(message('spBv1.0/g/NDEATH/n', encodeNodeDeath(3)).timeline).toMatchObject([{ k: 'death', device: 'bed-1' }])
  })

  test('gives a device of another node with a taken name a longer name', () => {
    born()
    const { timeline } = message('spBv1.0/g/DBIRTH/other/bed-1', encodeDeviceBirth(declaration, { timestamp: now, seq: 1 }))
    expect(timeline[0]).toMatchObject({ device: 'g/other:bed-1' })
  })

  test('takes a stream only from the node that it belongs to', () => {
    born()
    message(dataTopic, batch({}, columns([now], [97])))
    message(
      'spBv1.0/g/DBIRTH/other/bed-9',
      encodeDeviceBirth(declare('bed-9', [{ alias: 1, channel }]), { timestamp: now, seq: 1 }),
    )
    expect(message('spBv1.0/g/DDATA/other/bed-9', batch({ number: 2 }, columns([now + 1], [5]))).timeline).toEqual([])
  })

  test('reads a foreign node: birth values are readings, and its ledger starts here', () => {
    const metrics = [{ name: 'temp', alias: 7, timestamp: now, datatype: 'Double' as const, value: 36.5 }]
    const { timeline } = message('spBv1.0/g/DBIRTH/f/d', encodePayload({ timestamp: now, seq: 1, metrics }))
    expect(timeline.map(({ k }) => k)).toEqual(['declaration', 'birth', 'readings'])
    const data = encodePayload({
      timestamp: now,
      seq: 2,
      metrics: [{ alias: 7, timestamp: now + 1, datatype: 'Double', value: 36.6 }],
    })
    expect(message('spBv1.0/g/DDATA/f/d', data).timeline).toMatchObject([{ k: 'readings', channels: { temp: { v: [36.6] } } }])
    expect(feed({ k: 'tick', atMs: now }).timeline).toMatchObject([
      { k: 'tick' },
      { k: 'event', code: 'NODE_REBIRTH_WANTED', device: 'g/f' },
      { k: 'cut', stream: 'bridge', devices: { d: { forwarded: [2, 0] } } },
    ])
  })

  test('turns the absence that a foreign node tells into an open gap', () => {
    const value = JSON.stringify([{ channel: '*', t: now, reason: 'searching' }])
    const metrics = [{ name: nodeMetrics.absence, timestamp: now, datatype: 'String' as const, value }]
    const { timeline } = message('spBv1.0/g/DDATA/f/d', encodePayload({ timestamp: now, seq: 2, metrics }))
    expect(timeline).toEqual([{ f: 1, k: 'gap', subject: 'd', device: 'd', reason: 'searching', fromMs: now }])
  })

  test('reads plain JSON, drops its repeats, and rejects what is none', () => {
    expect(message('plain/p1', Buffer.from(`{"at":${now},"hr":61}`)).timeline.map(({ k }) => k)).toEqual([
      'declaration',
      'readings',
    ])
    expect(message('plain/p1', Buffer.from(`{"at":${now},"hr":61}`)).timeline).toEqual([])
    expect(message('plain/p1', Buffer.from('{"hr":')).rejected).toMatchObject([{ reason: 'PREPARE_PAYLOAD' }])
    expect(message('elsewhere', Buffer.from('x')).rejected).toMatchObject([{ reason: 'PREPARE_TOPIC' }])
  })

  test('tells a thousand bad readings of one message in one record, not in a thousand copies of the message', () => {
    const metrics = Array.from({ length: 1000 }, (_, k) => ({
      alias: 100 + k,
      timestamp: now,
      datatype: 'Double' as const,
      value: 1,
    }))
    const { rejected } = message('spBv1.0/g/DDATA/f/d', encodePayload({ timestamp: now, seq: 1, metrics }))
    expect(rejected).toMatchObject([{ reason: 'PREPARE_READING', lost: [1000, 0] }])
    expect(rejected[0]!.detail).toContain('and 997 more')
  })

  test('remembers for a replay no more than it may, however much one message holds', () => {
    const metrics = Array.from({ length: 60_000 }, (_, k) => ({
      alias: k,
      timestamp: now,
      datatype: 'Boolean' as const,
      value: true,
    }))
    for (const seq of [0, 1, 2]) message('spBv1.0/g/DDATA/f/d', encodePayload({ timestamp: now, seq, metrics }))
    expect(state.redoSize).toBe(60_000)
    expect(state.redo.size).toBe(1)
  })

  test('takes readings of a foreign node on replay, when the birth that was missing came', () => {
    const data = encodePayload({
      timestamp: now,
      seq: 2,
      metrics: [{ alias: 7, timestamp: now + 1, datatype: 'Double', value: 36.6 }],
    })
    expect(message('spBv1.0/g/DDATA/f/d', data).rejected).toMatchObject([{ reason: 'PREPARE_READING', lost: [1, 0] }])
    const metrics = [{ name: 'temp', alias: 7, timestamp: now, datatype: 'Double' as const, value: null }]
    message('spBv1.0/g/DBIRTH/f/d', encodePayload({ timestamp: now, seq: 1, metrics }))
    expect(replay('spBv1.0/g/DDATA/f/d', data).timeline).toMatchObject([{ channels: { temp: { v: [36.6] } } }])
    expect(replay('spBv1.0/g/DDATA/f/d', data).timeline).toEqual([])
    expect(feed({ k: 'tick', atMs: now }).timeline[2]).toMatchObject({ devices: { d: { forwarded: [1, 0], rejected: [0, 0] } } })
  })

  test('adds nothing by a replay to a message that has a good and a bad reading of one time', () => {
    const metrics = [{ name: 'temp', alias: 7, timestamp: now, datatype: 'Double' as const, value: null }]
    message('spBv1.0/g/DBIRTH/f/d', encodePayload({ timestamp: now, seq: 1, metrics }))
    const one = (value: number) => ({ alias: 7, timestamp: now, datatype: 'Double' as const, value })
    const data = encodePayload({ timestamp: now, seq: 2, metrics: [one(36.6), one(Number.NaN)] })
    expect(message('spBv1.0/g/DDATA/f/d', data).timeline).toMatchObject([{ channels: { temp: { v: [36.6] } } }])
    expect(replay('spBv1.0/g/DDATA/f/d', data).timeline).toEqual([])
  })

  test('changes nothing by a replay that makes nothing good, and keeps it for a later one', () => {
    const bytes = batch({ count: 1 }, columns([now], [97]))
    message(dataTopic, bytes)
    nodeEntry(2, nodeMetrics.ledger, ledger(2, 1))
    const plainBytes = Buffer.from(`{"at":"noon","when":${now},"hr":61}`)
    message('plain/p1', plainBytes)
    feed({ k: 'tick', atMs: now })
    expect(replay(dataTopic, bytes).timeline).toEqual([])
    expect(replay('plain/p1', plainBytes).timeline).toEqual([])
    expect(feed({ k: 'tick', atMs: now }).timeline.map(({ k }) => k)).toEqual(['tick'])
    born()
    expect(replay(dataTopic, bytes).timeline.map(({ k }) => k)).toEqual(['readings', 'cut'])
  })

  test('takes plain readings on replay when their time is found, each once, and counts them over', () => {
    const bytes = Buffer.from(`[{"when":${now},"at":${now},"hr":61},{"when":${now + 1},"at":"noon","hr":62}]`)
    expect(message('plain/p1', bytes).rejected).toMatchObject([{ reason: 'PREPARE_READING', lost: [1, 0] }])
    expect(replay('plain/p1', bytes).timeline).toEqual([])
    stage = createPrepareStage(prepareSchema.parse({ plain: [{ ...plain, time: 'when' }] }))
    expect(replay('plain/p1', bytes).timeline).toMatchObject([{ k: 'readings', channels: { hr: { t: [now + 1], v: [62] } } }])
    expect(replay('plain/p1', bytes).timeline).toEqual([])
    expect(feed({ k: 'tick', atMs: now }).timeline[1]).toMatchObject({ devices: { p1: { forwarded: [2, 0], rejected: [0, 0] } } })
  })

  test('takes plain readings on replay that were out of time, or that no filter or no path found', () => {
    const late = Buffer.from(`{"at":${now + 7_200_000},"hr":61}`)
    const elsewhere = Buffer.from(`{"at":${now},"hr":62}`)
    const renamed = Buffer.from(`{"at":${now},"pulse":63}`)
    expect(message('plain/p1', late).rejected).toMatchObject([{ reason: 'PREPARE_TIME' }])
    expect(message('beds/p2', elsewhere).rejected).toMatchObject([{ reason: 'PREPARE_TOPIC' }])
    expect(message('plain/p3', renamed).rejected).toMatchObject([{ reason: 'PREPARE_PAYLOAD' }])
    const channels = [...plain.channels, { name: 'pulse', path: 'pulse' }]
    const fixed = { futureMsMax: 10_000_000, plain: [{ ...plain, filter: '+/+', channels }] }
    stage = createPrepareStage(prepareSchema.parse(fixed))
    for (const [topic, bytes, value] of [
      ['plain/p1', late, 61],
      ['beds/p2', elsewhere, 62],
      ['plain/p3', renamed, 63],
    ] as const) {
      const readings = replay(topic, bytes).timeline.find(({ k }) => k === 'readings') as { channels: object } | undefined
      expect(Object.values(readings!.channels)).toMatchObject([{ v: [value] }])
      expect(replay(topic, bytes)).toEqual({ timeline: [], rejected: [] })
    }
  })

  test('makes a cut again when a replay changed what it counted, of a stream that ended too', () => {
    const bytes = batch({ count: 1 }, columns([now], [97]))
    message(dataTopic, bytes)
    const end = { ...ledger(2, 1), closed: true }
    expect(nodeEntry(2, nodeMetrics.ledger, end).timeline).toMatchObject([{ devices: { 'bed-1': { rejected: [1, 0] } } }])
    const next = { ...ledger(1, 0), stream: 'streamtwo', floors: { streamtwo: 1 } }
    message(
      'spBv1.0/g/NDATA/n',
      encodeNodeData({
        name: { stream: 'streamtwo', number: 1, count: 0 },
        metrics: { [nodeMetrics.ledger]: JSON.stringify(next) },
        timestamp: now,
        seq: 1,
      }),
    )
    born()
    expect(replay(dataTopic, bytes).timeline).toMatchObject([
      { k: 'readings' },
      { k: 'cut', stream: 'streamone', through: 2, devices: { 'bed-1': { forwarded: [1, 0], rejected: [0, 0] } } },
    ])
  })

  test('does not take a node for born by a birth that is replayed', () => {
    const good = encodeDeviceBirth(declaration, { timestamp: now, seq: 1 })
    const bad = Buffer.concat([good, Buffer.from([0x12, 0x04, 0x0a, 0x02, 0xff, 0xff])])
    const data = batch({ count: 1 }, columns([now], [97]))
    expect(message('spBv1.0/g/DBIRTH/n/bed-1', bad).rejected).toHaveLength(1)
    expect(message(dataTopic, data).timeline).toHaveLength(1)
    expect(replay('spBv1.0/g/DBIRTH/n/bed-1', bad)).toEqual({ timeline: [], rejected: [] })
  })

  test('rejects a segment whose interval leads out of time, and an absence out of time', () => {
    const wave: Channel = { name: 'pleth', kind: 'waveform', datatype: 'Int16Array', unit: '1', intervalMs: 10 }
    message(
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
    const { timeline, rejected } = message(dataTopic, bytes)
    expect(timeline).toEqual([])
    expect(rejected).toMatchObject([{ reason: 'PREPARE_TIME', lost: [0, 3] }])
  })

  test('rejects a ledger or gap record that is not what it must be, and goes on', () => {
    born()
    const wrong = [null, 5, [], { f: 1 }, { ...ledger(2, 1), floors: null }, { ...ledger(2, 1), devices: { 'bed-1': {} } }]
    for (const [index, record] of wrong.entries())
      expect(nodeEntry(index + 1, nodeMetrics.ledger, record as LedgerRecord).rejected).toMatchObject([
        { reason: 'PREPARE_PAYLOAD' },
      ])
    const gap = { f: 1, reason: 'evicted', stream: 'streamone', numbers: [['a', 'b']], devices: {} }
    expect(nodeEntry(9, nodeMetrics.gap, gap as never).rejected).toMatchObject([{ reason: 'PREPARE_PAYLOAD' }])
  })

  test('gives a plain device that calls itself like a device of a node another name', () => {
    born()
    const { timeline } = message('plain/bed-1', Buffer.from(`{"at":${now},"hr":61}`))
    expect(timeline).toMatchObject([{ device: 'plain:bed-1' }, { k: 'readings', device: 'plain:bed-1' }])
  })

  test('tells every device’s channels again once a day, for readers that begin late', () => {
    born()
    const midnight = Math.ceil(now / 86_400_000) * 86_400_000
    feed({ k: 'tick', atMs: midnight - 2000 })
    expect(feed({ k: 'tick', atMs: midnight - 1000 }).timeline.map(({ k }) => k)).toEqual(['tick'])
    expect(feed({ k: 'tick', atMs: midnight }).timeline).toMatchObject([
      { k: 'tick' },
      { k: 'declaration', device: 'bed-1', channels: [{ name: 'spo2' }] },
    ])
    expect(feed({ k: 'tick', atMs: midnight + 1000 }).timeline.map(({ k }) => k)).toEqual(['tick'])
  })

  test('does not go back in time by a tick a little behind', () => {
    feed({ k: 'tick', atMs: now })
    expect(feed({ k: 'tick', atMs: now - 1000 }).timeline).toMatchObject([{ atMs: now }])
  })

  test('lets readings expire by a jump of the clock an hour a tick', () => {
    feed({ k: 'tick', atMs: now })
    expect(feed({ k: 'tick', atMs: now + 30 * 365 * 86_400_000 }).timeline).toMatchObject([
      { atMs: now + 30 * 365 * 86_400_000, expireMs: now + 3_600_000 },
    ])
  })
})
