import type { Channel, RawTick, TimelineRecord } from '@millrace/contract'
import { declare, encodeBatch, encodeDeviceBirth, encodeNodeBirth } from '@millrace/contract/sparkplug'
import { beforeEach, describe, expect, test } from 'vitest'
import { createFeed, now } from '../testing/feed.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const channel: Channel = { name: 'hr', kind: 'number', datatype: 'Int16', unit: '/min' }
const declaration = declare('bed-1', [{ alias: 1, channel }])

let feed: ReturnType<typeof createFeed>
let number: number
let elapsedMs: number

beforeEach(() => {
  feed = createFeed()
  number = 1
  elapsedMs = 0
})

/** A tick of the bridge's run a second later. */
function tick(atMs: number, more: Partial<RawTick> = {}) {
  elapsedMs += 1000
  return feed.raw({ k: 'tick', atMs, run: 'a', elapsedMs, ...more })
}

/** A message of an agent whose clock says `sentMs`, with a reading of that time. */
function message(receivedMs: number, sentMs = receivedMs) {
  const name = { stream: 'streamone', number: number++, count: 1 }
  const columns = { channels: { hr: { t: [sentMs], v: [60] } }, waves: {} }
  const sent = { timestamp: sentMs, seq: 1, historical: false }
  const payload = encodeBatch({ name, columns, aliasOf: () => 1, datatypeOf: () => 'Int16', ...sent })
  return { payload, ...feed.message('spBv1.0/ward/DDATA/gateway/bed-1', payload, receivedMs) }
}

function born() {
  feed.message('spBv1.0/ward/NBIRTH/gateway', encodeNodeBirth({ bdSeq: 1, timestamp: now, seq: 0 }))
  feed.message('spBv1.0/ward/DBIRTH/gateway/bed-1', encodeDeviceBirth(declaration, { timestamp: now, seq: 1 }))
}

const codes = (records: TimelineRecord[]) => records.flatMap((one) => (one.k === 'event' ? [one.code] : []))
const ticksOf = (records: TimelineRecord[]) => records.filter(({ k }) => k === 'tick')

describe('the time of a partition', () => {
  test('goes back at once with a clock that the bridge follows, and says so until it has been steady', () => {
    tick(now)
    const back = tick(now - 3 * hourMs + 1000).timeline
    expect(ticksOf(back)).toMatchObject([{ atMs: now - 3 * hourMs + 1000 }])
    expect(codes(back)).toEqual(['CLOCK_JUMPED'])
    const later = Array.from({ length: 30 }, (_, k) => tick(now - 3 * hourMs + 2000 + k * 1000).timeline)
    expect(later.flatMap(codes)).toEqual(['CLOCK_STEADY'])
  })

  test('follows another run that is behind at its third tick: two bridges may tick for a moment', () => {
    const other = (atMs: number) => ticksOf(feed.raw({ k: 'tick', atMs, run: 'b', elapsedMs: 5 }).timeline)
    tick(now)
    expect(other(now - dayMs)).toMatchObject([{ atMs: now }])
    tick(now + 1000)
    expect(other(now - dayMs + 1000)).toMatchObject([{ atMs: now + 1000 }])
    expect(other(now - dayMs + 2000)).toMatchObject([{ atMs: now + 1000 }])
    expect(other(now - dayMs + 3000)).toMatchObject([{ atMs: now - dayMs + 3000 }])
  })

  test('tells a clock that was set ahead from a pause', () => {
    tick(now)
    elapsedMs += 59_000
    expect(ticksOf(tick(now + 60_000).timeline)).toEqual([{ f: 1, k: 'tick', atMs: now + 60_000 }])
    const [set] = ticksOf(tick(now + 61_000 + dayMs).timeline)
    expect(set).toMatchObject({ setMs: dayMs, expireMs: now + 60_000 + hourMs })
  })

  test('a jump that the bridge does not follow is told, once, and when it is over', () => {
    tick(now)
    const held = [1, 2, 3].flatMap((k) => tick(now + k * 1000, { offMs: 365 * dayMs }).timeline)
    expect(codes(held)).toEqual(['CLOCK_JUMPED'])
    expect(held).toContainEqual(expect.objectContaining({ text: expect.stringContaining('jumped by +365 d') }))
    const after = Array.from({ length: 40 }, (_, k) => tick(now + 4000 + k * 1000).timeline)
    expect(after.flatMap(codes)).toEqual(['CLOCK_STEADY'])
  })

  test('is that of a snapshot from before ticks could go back', () => {
    tick(now + 365 * dayMs)
    feed.forgetClocks()
    for (const k of [1, 2]) expect(ticksOf(feed.tick(now + k).timeline)).toMatchObject([{ atMs: now + 365 * dayMs }])
    expect(ticksOf(feed.tick(now + 3).timeline)).toMatchObject([{ atMs: now + 3 }])
  })
})

describe('readings while a clock is wrong', () => {
  test('right ones are taken though the processor was started three hours behind after a pause', () => {
    born()
    tick(now)
    message(now)
    const seconds = Array.from({ length: 120 }, (_, k) => {
      const atMs = now + 40_000 + k * 1000
      const { rejected, timeline } = message(atMs - 3 * hourMs, atMs)
      const told = feed.raw({ k: 'tick', atMs: atMs - 3 * hourMs, run: 'b', elapsedMs: k * 1000 }).timeline
      return { rejected, codes: codes([...timeline, ...told]) }
    })
    expect(seconds.flatMap(({ rejected }) => rejected)).toEqual([])
    // In doubt as long as the gateway goes by the time before, which is not the gateway's fault.
    expect(seconds.flatMap((one) => one.codes)).toEqual(['CLOCK_JUMPED'])
    const right = Array.from({ length: 40 }, (_, k) => {
      const atMs = now + 170_000 + k * 1000
      return [message(atMs), feed.raw({ k: 'tick', atMs, run: 'c', elapsedMs: k * 1000 })].flatMap(({ timeline }) =>
        codes(timeline),
      )
    })
    expect(right.flat()).toEqual(['CLOCK_STEADY'])
  })

  test('those of a gateway that is a day ahead are rejected, told and tried again by order', () => {
    born()
    tick(now)
    const wrong = Array.from({ length: 10 }, (_, k) => {
      const atMs = now + k * 1000
      return [message(atMs, atMs + dayMs), { ...tick(atMs), payload: undefined }]
    }).flat()
    expect(wrong.flatMap(({ rejected }) => rejected)).toHaveLength(10)
    expect(wrong.flatMap(({ rejected }) => rejected)[0]).toMatchObject({
      reason: 'PREPARE_TIME',
      detail: 'hr at 2026-01-02T00:00:00.000Z: time is out of range, it came at 2026-01-01T00:00:00.000Z',
    })
    expect(wrong.flatMap(({ timeline }) => codes(timeline))).toEqual(['READINGS_OUT_OF_TIME', 'GATEWAY_CLOCK_OFF'])
    const right = Array.from({ length: 40 }, (_, k) => {
      const atMs = now + 10_000 + k * 1000
      return [message(atMs), tick(atMs)].flatMap(({ timeline }) => codes(timeline))
    })
    expect(right.flat()).toEqual(['GATEWAY_CLOCK_RIGHT', 'READINGS_IN_TIME'])
    const order = (atMs: number) => feed.replay('spBv1.0/ward/DDATA/gateway/bed-1', wrong[0]!.payload!, now, atMs)
    expect(order(now + 50_000).timeline).toEqual([])
    expect(order(now + dayMs).timeline).toMatchObject([{ k: 'readings', channels: { hr: { t: [now + dayMs] } } }])
  })

  test('a gateway that is three hours behind is told of; a message that was long on its way is not', () => {
    born()
    tick(now)
    expect(codes([0, 500, 900].flatMap((ms) => message(now + ms, now - 60_000 + 20 * ms).timeline))).toEqual([])
    const behind = [0, 3000, 6000, 9000].flatMap((ms) => message(now + ms, now + ms - 3 * hourMs).timeline)
    expect(behind.filter(({ k }) => k === 'event')).toMatchObject([
      { code: 'GATEWAY_CLOCK_OFF', device: 'ward/gateway', text: expect.stringContaining('-3 h off') },
    ])
  })
})
