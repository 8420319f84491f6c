import { encodePayload } from '@millrace/contract/sparkplug'
import { describe, expect, test } from 'vitest'
import { createFeed, now } from './testing/feed.ts'

const hr = { name: 'hr', path: 'hr' }
const plain = [
  { filter: 'timed', device: 'timed', time: 'at', channels: [hr] },
  { filter: 'json', device: 'json', channels: [hr] },
  { filter: 'line', device: 'line', codec: 'influx-line', channels: [{ name: 'hr', path: 'm.hr' }] },
  { filter: 'senml', device: 'senml', codec: 'senml-json', channels: [hr] },
]
const untimed: Record<string, string> = {
  json: '{"hr":61}',
  line: 'm hr=61',
  senml: '[{"n":"hr","v":61}]',
}
const text = (payload: string) => Buffer.from(payload)

describe('a retained copy of a plain device', () => {
  test.each(Object.entries(untimed))('without a time is last known, and no reading (%s)', (topic, payload) => {
    const feed = createFeed({ plain })
    for (const receivedMs of [now, now + 60_000]) {
      const { timeline, rejected } = feed.copy(topic, text(payload), receivedMs)
      expect(timeline.at(-1)).toMatchObject({ k: 'last-known', device: topic, receivedMs, channels: { hr: 61 } })
      expect(timeline.filter(({ k }) => k === 'readings' || k === 'birth')).toEqual([])
      expect(rejected).toEqual([])
    }
    expect(
      feed.tick(now + 61_000).timeline.map(({ k }) => k),
      'nothing is counted',
    ).toEqual(['tick'])
    expect(
      feed.message(topic, text(payload)).timeline.map(({ k }) => k),
      'published live it is a reading',
    ).toEqual(['readings'])
  })

  test('with a time of its own is one reading however often it comes', () => {
    const feed = createFeed({ plain })
    const payload = text(`{"at":${now},"hr":5}`)
    expect(feed.copy('timed', payload, now + 5000).timeline.at(-1)).toMatchObject({ channels: { hr: { t: [now], v: [5] } } })
    expect(feed.copy('timed', payload, now + 9000).timeline).toEqual([])
    expect(feed.message('timed', payload, now + 9000).timeline).toEqual([])
  })

  test('in part timed: the timed part once, the rest is last known', () => {
    const feed = createFeed({ plain })
    const payload = text(`m hr=60 ${now}000000\nm hr=61`)
    expect(feed.copy('line', payload).timeline.slice(1)).toMatchObject([
      { k: 'last-known', channels: { hr: 61 } },
      { k: 'readings', channels: { hr: { t: [now], v: [60] } } },
    ])
    expect(feed.copy('line', payload).timeline.map(({ k }) => k)).toEqual(['last-known'])
  })

  test('that cannot be read is rejected once, and a replay after a fix makes no reading of it', () => {
    const feed = createFeed({ plain: [{ ...plain[1]!, channels: [{ name: 'hr', path: 'no' }] }] })
    expect(feed.copy('json', text('{"hr":61}')).rejected).toMatchObject([{ reason: 'PREPARE_PAYLOAD', retain: true }])
    expect(feed.copy('json', text('{"hr":61}'), now + 1).rejected).toEqual([])
    feed.reconfigure({ plain })
    const control = { by: 'test', type: 'replay-rejected', topic: 'json', receivedMs: now, retain: true } as const
    const payloadBase64 = text('{"hr":61}').toString('base64')
    const { timeline } = feed.raw({ k: 'control', atMs: now + 2, control: { ...control, payloadBase64 } })
    expect(timeline.map(({ k }) => k)).toEqual(['declaration', 'last-known'])
  })
})

describe('a retained copy of a Sparkplug node', () => {
  const metric = { name: 'p', alias: 1, datatype: 'Int32' } as const
  const birth = (seq: number) => encodePayload({ timestamp: now, seq, metrics: [{ ...metric, timestamp: now, value: 1 }] })

  test('of a birth says what aliases mean and not that anybody is there', () => {
    const feed = createFeed()
    const { timeline } = feed.copy('spBv1.0/g/DBIRTH/n/d', birth(1), now + 60_000)
    expect(timeline.map(({ k }) => k)).toEqual(['declaration', 'readings'])
    expect(timeline.at(-1)).toMatchObject({ hist: true, channels: { p: { t: [now], v: [1] } } })
    const node = feed.state().nodes.get('g/n')!
    expect([node.online, node.devices.get('d')!.online]).toEqual([false, false])
  })

  test('of data is not live, takes no place in the order and asks for nothing', () => {
    const feed = createFeed()
    feed.message('spBv1.0/g/NBIRTH/n', encodePayload({ timestamp: now, seq: 0, metrics: [] }))
    feed.message('spBv1.0/g/DBIRTH/n/d', birth(1))
    const old = encodePayload({ timestamp: now - 9000, seq: 77, metrics: [{ ...metric, timestamp: now - 9000, value: 7 }] })
    expect(feed.copy('spBv1.0/g/DDATA/n/d', old).timeline).toMatchObject([{ k: 'readings', hist: true }])
    expect(feed.state().waiting.size).toBe(0)
    expect(feed.state().nodes.get('g/n')!.order).toMatchObject({ next: 2, held: [] })
  })

  test('of a death ends nothing', () => {
    const feed = createFeed()
    feed.message('spBv1.0/g/NBIRTH/n', encodePayload({ timestamp: now, seq: 0, metrics: [] }))
    feed.message('spBv1.0/g/DBIRTH/n/d', birth(1))
    const death = encodePayload({ timestamp: now - 9000, seq: 9, metrics: [] })
    expect(feed.copy('spBv1.0/g/DDEATH/n/d', death).timeline).toEqual([])
    expect(feed.copy('spBv1.0/g/NDEATH/n', death).timeline).toEqual([])
  })
})
