import type { Channel, ClockOffset, TimelineRecord } from '@millrace/contract'
import { declare, encodeBatch, encodeDeviceBirth, encodeNodeBirth, encodeNodeData } from '@millrace/contract/sparkplug'
import fc from 'fast-check'
import { beforeEach, expect, test } from 'vitest'
import { createFeed, now } from '../testing/feed.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const channel: Channel = { name: 'hr', kind: 'number', datatype: 'Int16', unit: '/min' }
const declaration = declare('bed-1', [{ alias: 1, channel }])
const topic = 'spBv1.0/ward/DDATA/gateway/bed-1'

let feed: ReturnType<typeof createFeed>
let number: number

beforeEach(() => start())

function start() {
  feed = createFeed()
  number = 1
  feed.message('spBv1.0/ward/NBIRTH/gateway', encodeNodeBirth({ bdSeq: 1, timestamp: now, seq: 0 }))
  feed.message('spBv1.0/ward/DBIRTH/gateway/bed-1', encodeDeviceBirth(declaration, { timestamp: now, seq: 1 }))
}

interface Given {
  receivedMs: number
  t: number[]
  clock?: Partial<ClockOffset> & { offsetMs: number }
  stream?: string
}

function encode({ receivedMs, t, clock, stream = 'streamone' }: Given): Uint8Array {
  const offset = clock && { uncertaintyMs: 3, sentOffsetMs: clock.offsetMs, ...clock }
  const columns = {
    channels: { hr: { t, v: t.map((_, k) => k) } },
    waves: {},
    absences: [{ channel: '*', t: t[0]! - 1, reason: 'unplugged' as const }],
  }
  return encodeBatch({
    name: { stream, number: number++, count: t.length },
    columns,
    aliasOf: () => 1,
    datatypeOf: () => 'Int16',
    timestamp: receivedMs - (offset?.sentOffsetMs ?? 0),
    seq: 1,
    historical: false,
    clock: offset,
  })
}

const send = (given: Given) => feed.message(topic, encode(given), given.receivedMs)
const readings = (records: TimelineRecord[]) => records.filter((one) => one.k === 'readings')
const times = (records: TimelineRecord[]) => readings(records).flatMap(({ channels }) => channels.hr!.t)

test('a reading belongs to the subject of its corrected time', () => {
  const changes = [{ device: 'bed-1', property: 'subject', value: 'anna', fromMs: now + 5 } as const]
  feed.raw({ k: 'control', atMs: now, control: { type: 'registry', by: 'Ada', id: 'a', version: 1, atMs: now, changes } })
  const { timeline } = send({ receivedMs: now + 50, t: [now - dayMs, now - dayMs + 10], clock: { offsetMs: dayMs } })
  expect(readings(timeline)).toMatchObject([
    { subject: 'bed-1', channels: { hr: { t: [now] } } },
    { subject: 'anna', channels: { hr: { t: [now + 10] } } },
  ])
})

test.each([
  ['of 1970', -now + 1000],
  ['a day ahead', dayMs],
  ['three hours behind', -3 * hourMs],
])('a clock %s is corrected, once, and the stamp is kept', (_, wrongMs) => {
  const given = { receivedMs: now + 50, t: [now + wrongMs, now + wrongMs + 10], clock: { offsetMs: -wrongMs } }
  const payload = encode(given)
  const { timeline, rejected } = feed.message(topic, payload, given.receivedMs)
  expect(rejected).toEqual([])
  expect(timeline).toMatchObject([
    { k: 'gap', fromMs: now - 1 },
    { k: 'readings', hist: false, channels: { hr: { t: [now, now + 10] } }, clock: { byMs: -wrongMs, uncertaintyMs: 3 } },
  ])
  // Sent again, with a newer estimate.
  expect(feed.message(topic, payload, now + 5000).timeline).toEqual([])
})

test('a clock that is right within its uncertainty, or 20 ms, is left alone', () => {
  for (const clock of [{ offsetMs: 20 }, { offsetMs: -900, uncertaintyMs: 1000 }])
    expect(readings(send({ receivedMs: now, t: [now - 900], clock }).timeline)).toEqual([
      expect.not.objectContaining({ clock: expect.anything() }),
    ])
})

test('readings keep their order and get no time twice, however the estimate wanders', () => {
  const steps = fc.array(fc.integer({ min: -300, max: 300 }), { minLength: 1, maxLength: 30 })
  const run = (offsets: number[]) => {
    start()
    const given: number[] = []
    for (const [k, offset] of offsets.entries()) {
      const t = Array.from({ length: 25 }, (_, i) => now + k * 100 + i * 4)
      given.push(...times(send({ receivedMs: now + k * 100 + 100, t, clock: { offsetMs: 60_000 + offset } }).timeline))
    }
    expect(given).toHaveLength(25 * offsets.length)
    expect(given).toEqual([...new Set(given)].sort((a, b) => a - b))
  }
  fc.assert(fc.property(steps, run), { numRuns: 50 })
})

test('an estimate of before the processor was set is not believed: nothing comes before it was sent', () => {
  const t = [now]
  const stale = { receivedMs: now + 20, t, clock: { offsetMs: dayMs, sentOffsetMs: dayMs } }
  const payload = encode({ ...stale, receivedMs: now + dayMs + 20 })
  expect(times(feed.message(topic, payload, now + 20).timeline)).toEqual([now])
})

test('nor one that disagrees with what was known while the arrival agrees: whichever way the processor was set', () => {
  for (const wrongMs of [-dayMs, dayMs]) {
    start()
    send({ receivedMs: now, t: [now], clock: { offsetMs: 0 } })
    const payload = encode({ receivedMs: now + 100 + wrongMs, t: [now + 100], clock: { offsetMs: wrongMs } })
    expect(times(feed.message(topic, payload, now + 120).timeline)).toEqual([now + 100])
  }
})

test('a message that was long on its way keeps its times', () => {
  feed.raw({ k: 'tick', atMs: now, run: 'a', elapsedMs: 1000 })
  send({ receivedMs: now, t: [now], clock: { offsetMs: 3 } })
  feed.raw({ k: 'tick', atMs: now + 9000, run: 'b', elapsedMs: 1000 })
  const payload = encode({ receivedMs: now + 1000, t: [now + 1000], clock: { offsetMs: 3 } })
  expect(times(feed.message(topic, payload, now + 9500).timeline)).toEqual([now + 1000])
})

test('what the processor’s clock was set by is not put on the readings of a gateway that goes by the time before', () => {
  const tick = (atMs: number, elapsedMs: number) => feed.raw({ k: 'tick', atMs, run: 'a', elapsedMs })
  tick(now, 1000)
  send({ receivedMs: now, t: [now], clock: { offsetMs: 0 } })
  tick(now + dayMs + 1000, 2000)
  const own = encodeBatch({
    name: { stream: 'streamone', number: number++, count: 1 },
    columns: { channels: { hr: { t: [now + 2000], v: [1] } }, waves: {} },
    aliasOf: () => 1,
    datatypeOf: () => 'Int16',
    timestamp: now + 2000,
    seq: 1,
    historical: false,
    clock: { offsetMs: dayMs, uncertaintyMs: 3, sentOffsetMs: dayMs },
  })
  expect(times(feed.message(topic, own, now + dayMs + 2000).timeline)).toEqual([now + 2000])
})

test('nor is it before the first tick has told that it was set', () => {
  feed.raw({ k: 'tick', atMs: now, run: 'a', elapsedMs: 1000 })
  send({ receivedMs: now, t: [now], clock: { offsetMs: 0 } })
  for (const ms of [500, 600]) {
    const payload = encode({ receivedMs: now + ms + dayMs, t: [now + ms], clock: { offsetMs: dayMs } })
    expect(times(feed.message(topic, payload, now + ms + dayMs).timeline)).toEqual([now + ms])
  }
})

test('a gateway that lost its clock while the processor was away is corrected at once', () => {
  feed.raw({ k: 'tick', atMs: now, run: 'a', elapsedMs: 1000 })
  send({ receivedMs: now, t: [now], clock: { offsetMs: 0 } })
  const atMs = now + hourMs / 2
  expect(times(send({ receivedMs: atMs, t: [5000], clock: { offsetMs: atMs - 5000 }, stream: 'streamtwo' }).timeline)).toEqual([
    atMs,
  ])
})

test('readings of which nobody knows the minute are not acted on as if they were of now', () => {
  const clock = { offsetMs: hourMs, uncertaintyMs: 90_000 }
  expect(readings(send({ receivedMs: now, t: [now - hourMs], clock }).timeline)).toMatchObject([{ hist: true }])
})

test('a reading that is rejected for its corrected time is found again by a replay', () => {
  const given = { receivedMs: now, t: [now], clock: { offsetMs: 2 * dayMs, sentOffsetMs: 0 } }
  const payload = encode(given)
  expect(feed.message(topic, payload, now).rejected).toMatchObject([{ reason: 'PREPARE_TIME', lost: [1, 0] }])
  expect(readings(feed.replay(topic, payload, now, now + 3 * dayMs).timeline)).toMatchObject([
    { k: 'readings', channels: { hr: { t: [now + 2 * dayMs] } }, clock: { byMs: 2 * dayMs } },
  ])
})

test('a gap at the edge has the same time', () => {
  send({ receivedMs: now, t: [now - dayMs], clock: { offsetMs: dayMs } })
  const gap = {
    f: 1,
    reason: 'evicted',
    stream: 'streamone',
    numbers: [[90, 91]],
    devices: { 'bed-1': [{ fromMs: 5000 + now - dayMs, toMs: 6000 + now - dayMs, lost: [2, 0] }] },
  }
  const payload = encodeNodeData({
    name: { stream: 'streamone', number: 92, count: 0 },
    metrics: { 'Millrace/Gap': JSON.stringify(gap) },
    timestamp: now - dayMs,
    seq: 1,
    clock: { offsetMs: dayMs, uncertaintyMs: 3, sentOffsetMs: dayMs },
  })
  expect(feed.message('spBv1.0/ward/NDATA/gateway', payload, now).timeline).toMatchObject([
    { k: 'gap', reason: 'evicted', fromMs: now + 5000, toMs: now + 6000 },
  ])
})

test('a wrong clock of which the offset is known is told as corrected, and not as an alarm', () => {
  const codes = [0, 3000, 6000, 9000].flatMap((ms) =>
    send({ receivedMs: now + ms, t: [now + ms - 3 * hourMs], clock: { offsetMs: 3 * hourMs } }).timeline.flatMap((one) =>
      one.k === 'event' ? [one.code] : [],
    ),
  )
  expect(codes).toEqual(['GATEWAY_CLOCK_CORRECTED'])
})
