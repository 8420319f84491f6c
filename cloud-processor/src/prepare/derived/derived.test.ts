import type { CutRecord, DeclarationRecord, ReadingsRecord, TimelineRecord } from '@millrace/contract'
import { encodeDeviceBirth, encodePayload } from '@millrace/contract/sparkplug'
import { describe, expect, test } from 'vitest'
import { batch, columns, dataTopic, declaration } from '../testing/agent.ts'
import { createFeed, now } from '../testing/feed.ts'

const mean = { name: 'usual', analysis: 'statistics', channels: ['spo2'], windowMs: 60_000 }
const second = 1000

function bornFeed(more: object = {}, options = {}) {
  const feed = createFeed({ analyses: [mean], ...more }, options)
  const { timeline } = feed.message('spBv1.0/g/DBIRTH/n/bed-1', encodeDeviceBirth(declaration, { timestamp: now, seq: 1 }))
  return { ...feed, birth: timeline }
}

const readingsIn = (timeline: TimelineRecord[]) => timeline.filter((record): record is ReadingsRecord => record.k === 'readings')
const derivedIn = (timeline: TimelineRecord[]) => readingsIn(timeline).filter(({ stream }) => stream === 'derived')

test('the declaration has the derived channels with their recipe', () => {
  const { channels } = bornFeed().birth.find((record): record is DeclarationRecord => record.k === 'declaration')!
  expect(channels.map(({ name }) => name)).toEqual([
    'spo2',
    'usual.mean',
    'usual.deviation',
    'usual.p5',
    'usual.p50',
    'usual.p95',
  ])
  expect(channels[1]).toMatchObject({
    unit: '%',
    recipe: { analysis: 'statistics', version: 1, channels: ['spo2'], parameters: { windowMs: 60_000 } },
  })
})

test('readings of derived channels are a record of their own, behind those that they are made of', () => {
  const feed = bornFeed()
  const { timeline } = feed.message(dataTopic, batch({}, columns([now], [96])))
  expect(readingsIn(timeline)).toMatchObject([
    { stream: 'streamone', number: 1, channels: { spo2: { t: [now], v: [96] } } },
    { stream: 'derived', device: 'bed-1', hist: false, channels: { 'usual.mean': { t: [now], v: [96] } } },
  ])
  expect(derivedIn(timeline)[0]).not.toHaveProperty('number')
})

test('they are counted as a stream of their own: what was computed is what was read', () => {
  const feed = bornFeed()
  feed.message(dataTopic, batch({ number: 1, count: 2 }, columns([now, now + 1], [96, 97])))
  feed.message(dataTopic, batch({ number: 2 }, columns([now + 2], [98])))
  const cutOf = (timeline: TimelineRecord[]) =>
    timeline.find((record): record is CutRecord => record.k === 'cut' && record.stream === 'derived')
  expect(cutOf(feed.tick(now + second).timeline)).toMatchObject({
    node: 'g/n',
    through: 2,
    closed: false,
    devices: { 'bed-1': { edge: { read: [15, 0] }, forwarded: [15, 0], rejected: [0, 0], ahead: [0, 0] } },
  })
  expect(cutOf(feed.tick(now + 2 * second).timeline)).toBeUndefined()
})

test('without analyses nothing is kept and nothing is told', () => {
  const feed = bornFeed({ analyses: [] })
  expect(derivedIn(feed.message(dataTopic, batch({}, columns([now], [96]))).timeline)).toEqual([])
  expect(feed.state().derived.size).toBe(0)
})

test('a repeat of a batch derives nothing again', () => {
  const feed = bornFeed()
  feed.message(dataTopic, batch({}, columns([now], [96])))
  expect(feed.message(dataTopic, batch({}, columns([now], [96]))).timeline).toEqual([])
})

test('what is historical has a memory of its own, and is historical', () => {
  const feed = bornFeed()
  feed.message(dataTopic, batch({ number: 2 }, columns([now], [96])))
  const late = feed.message(dataTopic, batch({ number: 1 }, columns([now - 5000], [50]), { historical: true }))
  expect(derivedIn(late.timeline)).toMatchObject([{ hist: true, channels: { 'usual.mean': { t: [now - 5000], v: [50] } } }])
  const live = feed.message(dataTopic, batch({ number: 3 }, columns([now + second], [98])))
  expect(derivedIn(live.timeline)).toMatchObject([{ hist: false, channels: { 'usual.mean': { v: [97] } } }])
})

test('a sample that is late in its lane is left out', () => {
  const feed = bornFeed()
  feed.message(dataTopic, batch({ number: 1 }, columns([now], [96])))
  expect(derivedIn(feed.message(dataTopic, batch({ number: 2 }, columns([now - 1], [50]))).timeline)).toEqual([])
})

test('bad readings and texts among numbers are not taken', () => {
  const feed = bornFeed()
  const bad = { channels: { spo2: { t: [now, now + 1], v: [96, 0], q: [0, 2] } }, waves: {} }
  const [derived] = derivedIn(feed.message(dataTopic, batch({ count: 2 }, bad)).timeline)
  expect(derived!.channels['usual.mean']).toEqual({ t: [now], v: [96] })
})

describe('a memory ends where its past is another one’s', () => {
  const meanOf = (timeline: TimelineRecord[]) => derivedIn(timeline)[0]!.channels['usual.mean']!.v.at(-1)

  test('after another declaration of the source', () => {
    const feed = bornFeed()
    feed.message(dataTopic, batch({ number: 1 }, columns([now], [96])))
    const scaledAgain = { ...declaration, channels: [{ alias: 1, channel: { ...declaration.channels[0]!.channel, scale: 0.5 } }] }
    feed.message('spBv1.0/g/DBIRTH/n/bed-1', encodeDeviceBirth(scaledAgain, { timestamp: now, seq: 2 }))
    expect(meanOf(feed.message(dataTopic, batch({ number: 2 }, columns([now + second], [90]))).timeline)).toBe(45)
  })

  test('after another configuration, whose channels are declared before their readings', () => {
    const feed = bornFeed()
    feed.message(dataTopic, batch({ number: 1 }, columns([now], [96])))
    feed.reconfigure({ analyses: [{ ...mean, windowMs: 30_000 }] })
    const { timeline } = feed.message(dataTopic, batch({ number: 2 }, columns([now + second], [90])))
    expect(timeline.map(({ k }) => k)).toEqual(['readings', 'declaration', 'readings'])
    expect(meanOf(timeline)).toBe(90)
  })

  test('after a clock that was set back', () => {
    const feed = bornFeed()
    const hour = 3_600_000
    feed.tick(now + hour)
    feed.message(dataTopic, batch({ number: 1 }, columns([now + hour], [96])))
    feed.tick(now)
    for (let k = 1; k < 40; k++) feed.tick(now + k * second)
    const { timeline } = feed.message(dataTopic, batch({ number: 2 }, columns([now + 40 * second], [90])))
    expect(meanOf(timeline)).toBe(90)
  })
})

test('a counter has one total for both lanes, which a reset that comes late corrects', () => {
  const feed = bornFeed({ analyses: [{ name: 'counted', analysis: 'increase', channels: ['spo2'] }] })
  const totalOf = (number: number, t: number, value: number, historical = false) => {
    const { timeline } = feed.message(dataTopic, batch({ number }, columns([now + t], [value]), { historical }))
    return derivedIn(timeline).map(({ hist, channels }) => [hist, channels['counted.total']!.v])
  }
  expect(totalOf(1, 0, 50)).toEqual([[false, [50]]])
  expect(totalOf(4, 9000, 60)).toEqual([[false, [60]]])
  expect(totalOf(2, 3000, 55, true)).toEqual([[true, [55]]])
  expect(totalOf(3, 6000, 2, true)).toEqual([[true, [57]]])
  expect(totalOf(5, 10_000, 61)).toEqual([[false, [116]]])
})

test('past the limit nothing is begun, which is told once', () => {
  const feed = bornFeed({ limits: { derivedLanes: 1 }, analyses: [mean, { ...mean, name: 'more' }] })
  const first = feed.message(dataTopic, batch({ number: 1 }, columns([now], [96]))).timeline
  expect(first.filter(({ k }) => k === 'event')).toMatchObject([{ code: 'DERIVED_LIMIT', level: 'error' }])
  expect(Object.keys(derivedIn(first)[0]!.channels)[0]).toBe('usual.mean')
  const next = feed.message(dataTopic, batch({ number: 2 }, columns([now + 1], [96]))).timeline
  expect(next.map(({ k }) => k)).toEqual(['readings', 'readings'])
})

test('a device whose own channel has the name of a derived one keeps it', () => {
  const feed = createFeed({ analyses: [mean] })
  const metrics = ['spo2', 'usual.mean'].map((name) => ({ name, timestamp: now, datatype: 'Double' as const, value: 1 }))
  const { timeline } = feed.message('spBv1.0/g/DBIRTH/f/d', encodePayload({ timestamp: now, seq: 1, metrics }))
  expect(derivedIn(timeline)).toEqual([])
  expect(timeline).toMatchObject([{ k: 'declaration', channels: [{ name: 'spo2' }, { name: 'usual.mean' }] }, {}, {}])
})

test('plain devices have derived channels too', () => {
  const hr = { ...mean, channels: ['hr'] }
  const plain = { filter: 'plain/+', device: '{1}', time: 'at', channels: [{ name: 'hr', path: 'hr' }] }
  const feed = createFeed({ plain: [plain], analyses: [hr] })
  const { timeline } = feed.message('plain/p1', Buffer.from(`{"at":${now},"hr":61}`))
  expect(derivedIn(timeline)).toMatchObject([{ device: 'p1', channels: { 'usual.mean': { v: [61] } } }])
})

test('with the state through its snapshot at every record it is the same as without', () => {
  const run = (isQuick: boolean) => {
    const feed = bornFeed({}, { isQuick })
    return Array.from({ length: 50 }, (_, k) => {
      const t = now + k * 700
      const { timeline } = feed.message(
        dataTopic,
        batch({ number: k + 1 }, columns([t], [90 + (k % 9)]), { historical: k % 7 === 3 }),
      )
      return [...timeline, ...feed.tick(t).timeline]
    })
  }
  expect(run(false)).toEqual(run(true))
})
