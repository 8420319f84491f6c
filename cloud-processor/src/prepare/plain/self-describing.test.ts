import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createFeed, now } from '../testing/feed.ts'
import { holds } from './codecs/conformance.ts'

const entry = { filter: 'lab/#', device: '{1}' }
const feedOf = (more: object = {}, limits: object = {}) => createFeed({ plain: [{ ...entry, ...more }], limits })
type Feed = ReturnType<typeof createFeed>

function send(feed: Feed, payload: unknown, topic = 'lab/esp32-1') {
  return feed.message(topic, Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)))
}

/** Values by channel, of the one record of readings. */
function valuesOf({ timeline }: ReturnType<typeof send>): Record<string, unknown[]> {
  const found = timeline.filter((record) => record.k === 'readings')
  return Object.fromEntries(found.flatMap(({ channels }) => Object.entries(channels).map(([name, { v }]) => [name, v])))
}

const declaredIn = ({ timeline }: ReturnType<typeof send>) =>
  timeline.flatMap((record) => (record.k === 'declaration' ? record.channels.map(({ name, kind }) => `${name}: ${kind}`) : []))

describe('a payload without a list of channels', () => {
  test('has every number, boolean and text in a channel that is named by its path, and new ones are declared', () => {
    const feed = feedOf()
    const first = send(feed, { temp: 21.5, hum: { rel: 40 }, open: false, mode: 'auto', none: null, list: [1, [2]] })
    expect(declaredIn(first)).toEqual([
      'temp: number',
      'hum.rel: number',
      'open: boolean',
      'mode: text',
      'list.0: number',
      'list.1.0: number',
    ])
    expect(valuesOf(first)).toEqual({
      temp: [21.5],
      'hum.rel': [40],
      open: [false],
      mode: ['auto'],
      'list.0': [1],
      'list.1.0': [2],
    })
    expect(declaredIn(send(feed, { temp: 22 }))).toEqual([])
    expect(declaredIn(send(feed, { temp: 22, pm25: 3 }))).toContain('pm25: number')
  })

  test('is several measurements when it is a list of objects, each with its own time', () => {
    const feed = feedOf({ time: 'ts' })
    expect(
      send(feed, [
        { ts: now, t: 1 },
        { ts: now + 1, t: 2 },
      ]).timeline,
    ).toMatchObject([{ k: 'declaration' }, { k: 'readings', channels: { t: { t: [now, now + 1], v: [1, 2] } } }])
  })

  test('keeps each channel of one kind, and rejects by name what is of another', () => {
    const feed = feedOf()
    send(feed, { x: 5, y: 'a' })
    const { rejected, timeline } = send(feed, { x: 'off', y: 'b' })
    expect(rejected).toMatchObject([
      { reason: 'PREPARE_READING', lost: [1, 0], detail: '"off" at "x" is text and was number before' },
    ])
    expect(timeline).toMatchObject([{ k: 'readings', channels: { y: { v: ['b'] } } }])
  })

  test('is bounded by channelsMax: readings of more are rejected by name, those of known channels go on', () => {
    const feed = feedOf({ channelsMax: 2 })
    const { rejected, timeline } = send(feed, { a: 1, b: 2, c: 3, d: 4 })
    expect(rejected).toMatchObject([
      { reason: 'PREPARE_LIMIT', lost: [2, 0], detail: expect.stringContaining('channelsMax is reached: no room for c') },
    ])
    expect(timeline.at(-1)).toMatchObject({ channels: { a: { v: [1] }, b: { v: [2] } } })
    feed.reconfigure({ plain: [{ ...entry, channelsMax: 4 }] })
    expect(feed.replay('lab/esp32-1', Buffer.from('{"a":1,"b":2,"c":3,"d":4}')).timeline.at(-1)).toMatchObject({
      channels: { c: { v: [3] }, d: { v: [4] } },
    })
  })

  test('may have names that are members of Object, and one that no channel can have is rejected', () => {
    const { rejected, timeline } = send(feedOf(), '{"constructor":1,"toString":2,"__proto__":3,"":4}')
    expect(timeline.at(-1)).toMatchObject({ k: 'readings' })
    expect(valuesOf({ timeline, rejected })).toEqual({ constructor: [1], toString: [2] })
    expect(rejected).toMatchObject([{ reason: 'PREPARE_READING', lost: [2, 0] }])
  })

  test('is rejected by name where it is nested too deep, or not exact', () => {
    const deep = JSON.parse(`${'{"a":'.repeat(12)}1${'}'.repeat(12)}`)
    expect(send(feedOf(), { deep, ok: 1 }).rejected).toMatchObject([{ lost: [1, 0] }])
    expect(send(feedOf(), '{"id":9007199254740993,"ok":1}').rejected).toMatchObject([
      { detail: expect.stringContaining('9007199254740993') },
    ])
  })

  test('maps words to booleans, states or nothing, and numbers in quotes', () => {
    const feed = feedOf({ words: { ON: true, OFF: false, open: 1, unavailable: null }, quotedNumbers: true })
    const values = valuesOf(send(feed, { relay: 'ON', valve: 'open', temp: '29.7', other: 'unavailable', mode: 'heat' }))
    expect(values).toEqual({ relay: [true], valve: [1], temp: [29.7], mode: ['heat'] })
  })

  test('leaves out what is to be left out, and what is above the root', () => {
    expect(valuesOf(send(feedOf({ omit: ['wifi', 'a.b'] }), { wifi: { rssi: 1 }, a: { b: 2, c: 3 } }))).toEqual({ 'a.c': [3] })
    expect(valuesOf(send(feedOf({ root: 'data.now' }), { data: { now: { t: 1 }, was: { t: 2 } } }))).toEqual({ t: [1] })
  })

  test('may have a list beside it, for names and units', () => {
    const channels = [{ name: 'signal', path: 'radio.rssi', unit: 'dB[mW]' }]
    const feed = feedOf({ root: 'values', channels })
    const sent = send(feed, { radio: { rssi: -70 }, values: { t: 20 } })
    expect(valuesOf(sent)).toEqual({ signal: [-70], t: [20] })
    expect(sent.timeline[0]).toMatchObject({
      channels: [
        { name: 'signal', unit: 'dB[mW]' },
        { name: 't', unit: '1' },
      ],
    })
  })

  test('loses no value: each is stored or rejected by name', () => {
    const value = fc.oneof(fc.double(), fc.boolean(), fc.string(), fc.integer())
    const { node } = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 3 },
        value,
        fc.array(tie('node'), { maxLength: 4 }),
        fc.dictionary(fc.string({ maxLength: 6 }), tie('node'), { maxKeys: 5 }),
      ),
    }))
    holds(
      fc.property(fc.dictionary(fc.string({ maxLength: 6 }), node, { maxKeys: 6 }), (payload) => {
        const text = JSON.stringify(payload)
        const feed = feedOf()
        const { timeline, rejected } = send(feed, text)
        const stored = timeline.flatMap((record) =>
          record.k === 'readings' ? Object.values(record.channels).map(({ v }) => v.length) : [],
        )
        const lost = rejected.reduce((sum, record) => sum + record.lost[0], 0)
        expect(stored.reduce((sum, count) => sum + count, 0) + lost).toBe(leavesIn(JSON.parse(text)))
      }),
      500,
    )
  })
})

function leavesIn(value: unknown): number {
  if (value === null) return 0
  return typeof value === 'object' ? Object.values(value as object).reduce((sum, part) => sum + leavesIn(part), 0) : 1
}

describe('lists of names and values', () => {
  const payload = {
    ts: now,
    values: [
      { id: 'temp', v: 21.5 },
      { id: 'door', v: 'open' },
      { id: 5, v: 1 },
      { id: 'late', v: 2, ts: now + 5 },
    ],
  }
  const pairs = { list: 'values', name: 'id', value: 'v' }

  test('are channels by their names, with a time of their own or of the payload', () => {
    expect(send(feedOf({ pairs, time: 'ts' }), payload).timeline.at(-1)).toMatchObject({
      channels: { temp: { t: [now], v: [21.5] }, door: { t: [now], v: ['open'] }, late: { t: [now + 5], v: [2] } },
    })
  })

  test('have a pair without a name rejected by name', () => {
    expect(send(feedOf({ pairs }), payload).rejected).toMatchObject([
      { reason: 'PREPARE_READING', detail: 'pair 2 has no text at "id" that names it' },
    ])
  })

  test('may have a list of channels, and be the payload itself', () => {
    const channels = [{ name: 'temperature', path: 'temp', unit: 'Cel' }]
    expect(valuesOf(send(feedOf({ pairs, channels }), payload))).toEqual({ temperature: [21.5] })
    expect(valuesOf(send(feedOf({ pairs: { name: 'name', value: 'value' } }), [{ name: 'a.b', value: 1 }]))).toEqual({
      'a.b': [1],
    })
    expect(send(feedOf({ pairs }), { values: 5 }).rejected).toMatchObject([{ reason: 'PREPARE_PAYLOAD' }])
  })
})

describe('other codecs without a list of channels', () => {
  test('SenML has its names, and the units in the declaration', () => {
    const sent = send(feedOf({ codec: 'senml-json' }), [
      { bn: 'urn:1:', n: 'temp', u: 'Cel', v: 21 },
      { n: 'open', vb: true },
    ])
    expect(valuesOf(sent)).toEqual({ 'urn:1:temp': [21], 'urn:1:open': [true] })
    expect(sent.timeline[0]).toMatchObject({
      channels: [{ name: 'urn:1:temp', unit: 'Cel', kind: 'number' }, { kind: 'boolean' }],
    })
  })

  test('line protocol has its measurements and fields', () => {
    expect(valuesOf(send(feedOf({ codec: 'influx-line' }), 'air temp=21.5,on=t,note="x"'))).toEqual({
      'air.temp': [21.5],
      'air.on': [true],
      'air.note': ['x'],
    })
  })
})

describe('names from the topic', () => {
  const deviceOf = (device: string, topic: string) => {
    const { timeline } = send(feedOf({ device }), { t: 1 }, topic)
    return timeline[0]!.k === 'declaration' ? timeline[0]!.device : undefined
  }

  test.each([
    ['{topic}', 'lab/a/b', 'lab/a/b'],
    ['{rest}', 'lab/living room/lamp', 'living room/lamp'],
    ['{last}', 'lab/a/b', 'b'],
    ['{-2}', 'lab/a/b', 'a'],
    ['{0}-{1}', 'lab/a/b', 'lab-a'],
  ])('%s of %s is %s', (device, topic, name) => expect(deviceOf(device, topic)).toBe(name))

  test('name channels and their prefixes', () => {
    expect(valuesOf(send(feedOf({ codec: 'value', channel: '{last}' }), '29.7', 'lab/esp/temp'))).toEqual({ temp: [29.7] })
    expect(valuesOf(send(feedOf({ channel: '{last}' }), { p: 1 }, 'lab/esp/meter'))).toEqual({ 'meter.p': [1] })
    expect(valuesOf(send(feedOf(), '29.7'))).toEqual({ value: [29.7] })
  })

  test('some topics are ignored', () => {
    const feed = feedOf({ ignore: ['lab/+/debug', '#/set'] })
    for (const topic of ['lab/esp/debug', 'lab/a/b/set']) expect(send(feed, 'x', topic)).toEqual({ timeline: [], rejected: [] })
    expect(send(feed, { t: 1 }).timeline).toHaveLength(2)
  })
})

describe('a configuration that cannot be meant is refused', () => {
  test.each([
    [{}, 'set filter or template'],
    [{ filter: 'a', template: 'tasmota' }, 'set filter or template'],
    [{ filter: 'a', base: 'b' }, 'means nothing without template'],
    [{ filter: 'a', device: '{no}' }, 'knows no {no}'],
    [{ filter: 'a', channel: '{no}' }, 'knows no {no}'],
    [{ filter: 'a', codec: 'value', time: 't' }, 'means nothing to value'],
  ])('%j: %s', (plain, why) => {
    expect(() => createFeed({ plain: [plain as never] })).toThrow(why)
  })
})
