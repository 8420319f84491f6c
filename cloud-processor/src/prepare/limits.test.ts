import { formatBatchName } from '@millrace/contract'
import { declare, encodeBatch, encodeDeviceBirth, encodeNodeBirth, encodePayload } from '@millrace/contract/sparkplug'
import { describe, expect, test } from 'vitest'
import { decodeState, encodeState } from './state/snapshot.ts'
import { createFeed, now } from './testing/feed.ts'

const channel = { name: 'spo2', kind: 'number', datatype: 'Int16', unit: '%' } as const
const birth = (device: string) => encodeDeviceBirth(declare(device, [{ alias: 1, channel }]), { timestamp: now, seq: 1 })
const batch = (stream: string, number: number) =>
  encodeBatch({
    name: formatBatchName({ stream, number, count: 1 }),
    columns: { channels: { spo2: { t: [now + number], v: [97] } }, waves: {} },
    aliasOf: () => 1,
    datatypeOf: () => 'Int16',
    timestamp: now,
    seq: 0,
    historical: false,
  })
const nodeBirth = () => encodeNodeBirth({ bdSeq: 0, timestamp: now })

describe('what a hostile node invents', () => {
  test('ends at the number of nodes, and is taken by a replay when there is room', () => {
    const limits = { nodes: 2 }
    const feed = createFeed({ limits })
    for (const node of ['a', 'b']) feed.message(`spBv1.0/g/NBIRTH/${node}`, nodeBirth())
    const refused = feed.message('spBv1.0/g/DBIRTH/c/d', birth('d'))
    expect(refused).toMatchObject({ timeline: [], rejected: [{ reason: 'PREPARE_LIMIT', detail: 'limits.nodes is reached' }] })
    expect(feed.state().nodes.size).toBe(2)
    feed.reconfigure({ limits: { nodes: 3 } })
    expect(feed.replay('spBv1.0/g/DBIRTH/c/d', birth('d')).timeline.map(({ k }) => k)).toEqual(['declaration', 'birth'])
  })

  test('ends at the number of its devices, each batch counted and taken by a replay when there is room', () => {
    const feed = createFeed({ limits: { devicesPerNode: 1 } })
    feed.message('spBv1.0/g/NBIRTH/n', nodeBirth())
    feed.message('spBv1.0/g/DBIRTH/n/d1', birth('d1'))
    feed.message('spBv1.0/g/DBIRTH/n/d2', birth('d2'))
    const refused = feed.message('spBv1.0/g/DDATA/n/d2', batch('streamone', 1))
    expect(refused).toMatchObject({ timeline: [], rejected: [{ reason: 'PREPARE_LIMIT', device: 'd2', lost: [1, 0] }] })
    expect(feed.state().streams.size).toBe(0)
    feed.reconfigure({})
    feed.replay('spBv1.0/g/DBIRTH/n/d2', birth('d2'))
    expect(feed.replay('spBv1.0/g/DDATA/n/d2', batch('streamone', 1)).timeline).toMatchObject([{ k: 'readings', number: 1 }])
    expect(feed.replay('spBv1.0/g/DDATA/n/d2', batch('streamone', 1)).timeline).toEqual([])
    expect(feed.message('spBv1.0/g/DDATA/n/d2', batch('streamone', 1)).timeline).toEqual([])
  })

  test('ends at the number of streams and of stretches in one; neighbours go on', () => {
    const feed = createFeed({ limits: { streamsPerNode: 1, rangesPerStream: 2 } })
    feed.message('spBv1.0/g/NBIRTH/n', nodeBirth())
    feed.message('spBv1.0/g/DBIRTH/n/d1', birth('d1'))
    const send = (stream: string, number: number) => feed.message('spBv1.0/g/DDATA/n/d1', batch(stream, number)).rejected
    expect([send('streamone', 1), send('streamone', 3)]).toEqual([[], []])
    expect(send('streamtwo', 1)).toMatchObject([{ detail: 'limits.streamsPerNode is reached' }])
    expect(send('streamone', 5)).toMatchObject([{ detail: 'limits.rangesPerStream is reached' }])
    expect([send('streamone', 2), send('streamone', 5)]).toEqual([[], []])
  })

  test('ends at the number of channels of a device; the others of the birth are learnt', () => {
    const feed = createFeed({ limits: { channelsPerDevice: 2 } })
    const metrics = [1, 2, 3].map((alias) => ({
      name: `c${alias}`,
      alias,
      timestamp: now,
      datatype: 'Double' as const,
      value: 1,
    }))
    const { timeline, rejected } = feed.message('spBv1.0/g/DBIRTH/f/d', encodePayload({ timestamp: now, seq: 1, metrics }))
    expect(rejected).toMatchObject([
      { reason: 'PREPARE_LIMIT', detail: 'limits.channelsPerDevice is reached: 1 channels are left out' },
    ])
    expect(timeline[0]).toMatchObject({ k: 'declaration', channels: [{ name: 'c1' }, { name: 'c2' }] })
  })

  test('ends at the number of plain devices, record by record', () => {
    const plain = {
      filter: 'lines',
      codec: 'influx-line' as const,
      device: '{tag.host}',
      channels: [{ name: 'v', path: 'm.v' }],
    }
    const feed = createFeed({ plain: [plain], limits: { plainDevices: 2 } })
    const lines = Buffer.from(['a', 'b', 'c', 'a'].map((host, k) => `m,host=${host} v=${k} ${now + k}000000`).join('\n'))
    const { timeline, rejected } = feed.message('lines', lines)
    expect(timeline.filter(({ k }) => k === 'readings').map((record) => 'device' in record && record.device)).toEqual(['a', 'b'])
    expect(rejected).toMatchObject([{ reason: 'PREPARE_LIMIT', detail: 'limits.plainDevices is reached: no room for c' }])
    feed.reconfigure({ plain: [plain] })
    expect(feed.replay('lines', lines).timeline).toMatchObject([
      { k: 'declaration', device: 'c' },
      { k: 'readings', device: 'c', channels: { v: { v: [2] } } },
    ])
    expect(feed.replay('lines', lines).timeline).toEqual([])
  })

  test('leaves each account its share of plain devices, whatever another one invents', () => {
    const plain = { filter: '+/+/state', channels: [{ name: 'v', path: 'v' }] }
    const feed = createFeed({ plain: [plain], limits: { plainDevices: 10 } })
    const say = (topic: string) => feed.message(topic, Buffer.from('{"v":1}')).rejected.length === 0
    const invented = Array.from({ length: 50 }, (_, k) => say(`hostile/invented-${k}/state`))
    expect(invented.filter(Boolean)).toHaveLength(10)
    const others = Array.from({ length: 50 }, (_, k) => say(`ward/bed-${k}/state`))
    expect(others.filter(Boolean)).toHaveLength(5)
    expect(say('ward/bed-1/state')).toBe(true)
  })

  test('is counted from a snapshot of the version before, which had no limits', () => {
    const feed = createFeed()
    feed.message('spBv1.0/g/NBIRTH/n', nodeBirth())
    feed.message('spBv1.0/g/DBIRTH/n/d1', birth('d1'))
    feed.message('spBv1.0/g/DDATA/n/d1', batch('streamone', 1))
    const { state } = JSON.parse(Buffer.from(encodeState(feed.state())).toString())
    const { waiting, heldBytes, ...before } = state
    delete before.nodes.$map[0][1].streams
    expect(decodeState(Buffer.from(JSON.stringify({ f: 1, state: before })))).toEqual(feed.state())
  })
})
