import { type EventRecord, nodeMetrics, type ReadingsRecord, type TimelineRecord } from '@millrace/contract'
import { encodeNodeDeath, encodePayload, type Metric } from '@millrace/contract/sparkplug'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { createFeed, now } from '../testing/feed.ts'

const topic = (type: string, device = '') => `spBv1.0/g/${type}/f${device && `/${device}`}`
const bdSeq = (value: number): Metric => ({ name: nodeMetrics.bdSeq, timestamp: now, datatype: 'Int64', value })
const nodeBirth = (session: number, sentMs: number) => encodePayload({ timestamp: sentMs, seq: 0, metrics: [bdSeq(session)] })
const temp = { name: 'temp', alias: 7, datatype: 'Double' as const }
const deviceBirth = (seq: number, sentMs: number) =>
  encodePayload({ timestamp: sentMs, seq, metrics: [{ ...temp, timestamp: sentMs, value: null }] })
/** A message whose reading is the number `n` at the time `sentMs`. */
const data = (seq: number, n: number, sentMs = now + n) =>
  encodePayload({ timestamp: sentMs, seq, metrics: [{ alias: 7, timestamp: sentMs, datatype: 'Double', value: n }] })

let feed: ReturnType<typeof createFeed>
const values = ({ timeline }: { timeline: TimelineRecord[] }) =>
  timeline.filter((record) => record.k === 'readings').flatMap((record) => (record as ReadingsRecord).channels.temp!.v)
const rebirths = ({ timeline }: { timeline: TimelineRecord[] }) =>
  timeline.filter((record) => record.k === 'event').map((record) => (record as EventRecord).code)
const born = (session = 1, sentMs = now) => {
  feed.message(topic('NBIRTH'), nodeBirth(session, sentMs))
  feed.message(topic('DBIRTH', 'd'), deviceBirth(1, sentMs))
}
const send = (seq: number, n: number, sentMs?: number) => values(feed.message(topic('DDATA', 'd'), data(seq, n, sentMs)))

beforeEach(() => {
  feed = createFeed()
  feed.tick(now)
})

describe('a node without receipts', () => {
  test('is read as it comes while its numbers are in order, over 255 and on', () => {
    born()
    for (let n = 0; n < 600; n++) expect(send((2 + n) % 256, n)).toEqual([n])
    expect(rebirths(feed.tick(now + 10_000))).toEqual([])
  })

  test('has what was overtaken put in order', () => {
    born()
    expect(send(3, 1)).toEqual([])
    expect(send(4, 2)).toEqual([])
    expect(send(2, 0)).toEqual([0, 1, 2])
    expect(rebirths(feed.tick(now + 10_000))).toEqual([])
  })

  test('is asked for a rebirth when what is missing does not come in time; what waited is used then', () => {
    born()
    send(3, 1)
    send(5, 3)
    send(4, 2)
    const early = feed.tick(now + 4_999)
    expect([values(early), rebirths(early)]).toEqual([[], []])
    const due = feed.tick(now + 5_000)
    expect([values(due), rebirths(due)]).toEqual([[1, 2, 3], ['NODE_REBIRTH_WANTED']])
    // What comes too late has its own time and is used; the order goes on behind the gap.
    expect(send(2, 0)).toEqual([0])
    expect(send(6, 4)).toEqual([4])
    expect(feed.state().heldBytes).toBe(0)
  })

  test('that never does is asked again, but not before its time', () => {
    born()
    const asked: number[] = []
    for (let n = 0; n < 200; n++) {
      send((3 + 2 * n) % 256, n)
      const atMs = now + 1000 * (n + 1)
      if (rebirths(feed.tick(atMs)).length > 0) asked.push(atMs - now)
    }
    expect(asked.length).toBeGreaterThan(2)
    for (const [index, atMs] of asked.entries()) if (index > 0) expect(atMs - asked[index - 1]!).toBeGreaterThanOrEqual(60_000)
  })

  test('is asked for a rebirth when it sends data without one, and its data goes on', () => {
    const found = feed.message(topic('DDATA', 'd'), data(9, 1))
    expect(found.rejected).toMatchObject([{ reason: 'PREPARE_READING' }])
    expect(rebirths(feed.tick(now + 1000))).toEqual(['NODE_REBIRTH_WANTED'])
    born()
    expect(send(2, 0)).toEqual([0])
    expect(rebirths(feed.tick(now + 100_000))).toEqual([])
  })

  test('begins again with a birth: what was sent before it is used before it, what overtook it behind', () => {
    born()
    send(3, 1)
    feed.message(topic('DDATA', 'd'), data(4, 22, now + 1_004))
    expect(values(feed.message(topic('NBIRTH'), nodeBirth(2, now + 1_000)))).toEqual([1])
    feed.message(topic('DBIRTH', 'd'), deviceBirth(1, now + 1_001))
    expect(send(2, 20, now + 1_002)).toEqual([20])
    expect(send(3, 21, now + 1_003)).toEqual([21, 22])
    expect(rebirths(feed.tick(now + 20_000))).toEqual([])
  })

  test('is not told dead by the will of an earlier session; by its own it is, and nothing is waited for any longer', () => {
    born(1)
    born(2, now + 1)
    send(3, 1)
    expect(feed.message(topic('NDEATH'), encodeNodeDeath(1)).timeline).toEqual([])
    const { timeline } = feed.message(topic('NDEATH'), encodeNodeDeath(2))
    expect(timeline.map(({ k }) => k)).toEqual(['readings', 'death'])
    expect(rebirths(feed.tick(now + 20_000))).toEqual([])
    expect(feed.state().waiting.size).toBe(0)
  })

  test('that skips more than half of the numbers is asked as well', () => {
    born()
    expect(send(2 + 200, 5)).toEqual([])
    expect(rebirths(feed.tick(now + 5_000))).toEqual(['NODE_REBIRTH_WANTED'])
    expect(send(203, 6)).toEqual([6])
  })

  test('cannot make more wait than the limits say', () => {
    feed = createFeed({ limits: { heldMessagesPerNode: 3, heldBytes: 1000 } })
    feed.tick(now)
    born()
    expect([send(3, 1), send(5, 3), send(4, 2)]).toEqual([[], [], [1, 3, 2].sort()])
    expect(rebirths(feed.tick(now + 1))).toEqual(['NODE_REBIRTH_WANTED'])
    const text = (seq: number) =>
      encodePayload({ timestamp: now, seq, metrics: [{ name: 'x', timestamp: now, datatype: 'String', value: 'y'.repeat(600) }] })
    feed.message(topic('DDATA', 'd'), text(7))
    expect(feed.state().heldBytes).toBeGreaterThan(600)
    feed.message(topic('DDATA', 'd'), text(8))
    expect(feed.state().heldBytes).toBe(0)
  })

  test('asks for nothing by a replay', () => {
    feed.message(topic('DDATA', 'd'), data(9, 1))
    feed.tick(now + 1000)
    feed.replay(topic('DDATA', 'd'), data(9, 1))
    expect(rebirths(feed.tick(now + 200_000))).toEqual([])
  })

  test('is not what an agent is, whose births and gaps have receipts', () => {
    const receipt: Metric = { name: nodeMetrics.receipt, timestamp: now, datatype: 'String', value: null }
    feed.message(topic('NBIRTH'), encodePayload({ timestamp: now, seq: 0, metrics: [bdSeq(1), receipt] }))
    feed.message(topic('DDEATH', 'd'), encodePayload({ timestamp: now, seq: 9, metrics: [] }))
    expect(rebirths(feed.tick(now + 20_000))).toEqual([])
  })

  test('has each message used once, and in order as long as none is missing for too long, however they come', () => {
    const report = fc.check(
      fc.property(fc.array(fc.nat(7), { minLength: 1, maxLength: 300 }), (delays) => {
        feed = createFeed()
        feed.tick(now)
        born()
        const sent = delays.map((delay, n) => ({ n, at: n + delay })).sort((a, b) => a.at - b.at || a.n - b.n)
        const got = sent.flatMap(({ n }) => send((2 + n) % 256, n))
        expect(got).toEqual(delays.map((_, n) => n))
      }),
      { numRuns: 30 },
    )
    expect(report.failed, `seed ${report.seed}: ${JSON.stringify(report.counterexample)}`).toBe(false)
  })
})
