/**
 * Whatever a foreign node sends: values in = on the timeline + rejected, and a null is neither. `FOREIGN_PAYLOADS=1000000` runs it over so
 * many payloads, `FOREIGN_SECONDS=300` for at most so long, `FOREIGN_SEED=1` with that seed.
 */
import type { CutRecord, ReadingsRecord, RejectedRecord, TimelineRecord } from '@millrace/contract'
import { datatypes, type SparkplugDatatype } from '@millrace/contract/sparkplug'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { createFeed, now } from '../testing/feed.ts'
import { type RawMetric, rawPayload } from '../testing/raw-payload.ts'

const payloadsPerRun = 8
const numRuns = Math.ceil(Number(process.env.FOREIGN_PAYLOADS ?? 2400) / payloadsPerRun)
const seconds = Number(process.env.FOREIGN_SECONDS ?? 60)
const seed = Number(process.env.FOREIGN_SEED ?? Date.now() % 1_000_000)

const name = fc.constantFrom(
  'a',
  'b',
  'c',
  'constructor',
  '__proto__',
  'x/y',
  'Node Control/Rebirth',
  'bdSeq',
  'Millrace/Absence',
  '',
)
const datatype = fc.option(fc.oneof(fc.constantFrom(...Object.values(datatypes)), fc.nat(40)), { freq: 5 })
const field = fc.oneof(
  fc.record({ field: fc.constantFrom(10, 11, 14), value: fc.oneof(fc.bigInt(0n, 300n), fc.bigInt(0n, 2n ** 64n - 1n)) }),
  fc.record({ field: fc.constantFrom(12, 13), value: fc.double() }),
  fc.record({ field: fc.constantFrom(15, 16, 17, 18), value: fc.uint8Array({ maxLength: 24 }) }),
)
const anyMetric: fc.Arbitrary<RawMetric> = fc.record({
  name: fc.option(name),
  alias: fc.option(fc.nat(4)),
  timestamp: fc.option(fc.constantFrom(now, now + 1, now - 1000, now + 9e9, 2 ** 60), { freq: 6 }),
  datatype,
  isNull: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  value: fc.option(field, { freq: 8 }),
})
/** Control metrics have no alias [tck-id-operational-behavior-data-commands-rebirth-name-aliases]. */
const metric = anyMetric.map((one) => (one.name && isControl(one.name) ? { ...one, alias: null } : one))
const message = fc.record({
  type: fc.constantFrom('NBIRTH', 'DBIRTH', 'DBIRTH', 'DDATA', 'DDATA', 'DDATA', 'NDATA', 'DDEATH'),
  device: fc.constantFrom('d', 'e'),
  metrics: fc.array(metric, { maxLength: 6 }),
})

const widths: Partial<Record<SparkplugDatatype, number>> = {
  Int8Array: 1,
  UInt8Array: 1,
  Int16Array: 2,
  UInt16Array: 2,
  Int32Array: 4,
  UInt32Array: 4,
  FloatArray: 4,
  Int64Array: 8,
  UInt64Array: 8,
  DoubleArray: 8,
  DateTimeArray: 8,
}
const nameOf = new Map(Object.entries(datatypes).map(([key, code]) => [code as number, key as SparkplugDatatype]))
const isControl = (text: string) => text === 'bdSeq' || /^(?:Node Control|Device Control|Millrace)\//.test(text)

describe('what a foreign node sends', () => {
  let feed: ReturnType<typeof createFeed>
  beforeEach(() => {
    feed = createFeed()
  })
  const device = (type: string) => `spBv1.0/g/${type}/n/d`
  const send = (type: string, ...metrics: Partial<RawMetric>[]) =>
    feed.message(device(type), rawPayload({ seq: undefined, metrics }))
  const int = (value: number) => ({ field: 10, value: BigInt(value) })
  const rebirths = () => feed.tick(now + 1000).timeline.filter(({ k }) => k === 'event').length

  test('a metric that no birth named is rejected by its name, and the births are asked for', () => {
    send('DBIRTH', { name: 'a', alias: 1, timestamp: now, datatype: 3, value: int(1) })
    const { rejected } = send('DDATA', { name: 'b', timestamp: now, datatype: 3, value: int(2) })
    expect(rejected).toMatchObject([{ reason: 'PREPARE_READING', device: 'd', lost: [1, 0] }])
    expect(rejected[0]!.detail).toMatch(/^b at .* = 2: unknown-metric$/)
    expect(rebirths()).toBe(1)
  })

  test('data of a device without a birth is rejected by name, and the births are asked for', () => {
    expect(send('DDATA', { name: 'b', timestamp: now, datatype: 3, value: int(2) }).rejected).toMatchObject([{ lost: [1, 0] }])
    expect(rebirths()).toBe(1)
  })

  test('what a birth declares and no channel can hold is rejected by name, and no rebirth is asked for it', () => {
    feed.message('spBv1.0/g/NBIRTH/n', rawPayload({ seq: 0, metrics: [] }))
    const template = {
      name: 't',
      alias: 7,
      timestamp: now,
      datatype: datatypes.Template,
      value: { field: 18, value: Buffer.of(1) },
    }
    const array = {
      name: 'r',
      timestamp: now,
      datatype: datatypes.Int16Array,
      value: { field: 16, value: Buffer.of(1, 0, 2, 0) },
    }
    const { rejected } = feed.message(device('DBIRTH'), rawPayload({ seq: 1, metrics: [template, array] }))
    expect(rejected).toMatchObject([{ lost: [1, 2] }])
    expect(rejected[0]!.detail).toContain('t at 2026-01-01T00:00:00.000Z: a channel cannot be Template')
    expect(rejected[0]!.detail).toContain('an array without intervalMs is not a waveform')
    const data = { alias: 7, timestamp: now, datatype: datatypes.Template, value: { field: 18, value: Buffer.of(1) } }
    expect(feed.message(device('DDATA'), rawPayload({ seq: 2, metrics: [data] })).rejected).toMatchObject([{ lost: [1, 0] }])
    expect(rebirths()).toBe(0)
  })

  test('a birth value without a time is rejected by name', () => {
    const { rejected } = send('DBIRTH', { name: 'a', alias: 1, datatype: 3, value: int(1) })
    expect(rejected).toMatchObject([{ lost: [1, 0], detail: 'a: missing-timestamp', channel: 'a' }])
  })

  test('a null is an absence, until the next reading', () => {
    send('DBIRTH', { name: 'a', alias: 1, timestamp: now, datatype: 3, value: int(1) })
    const { timeline, rejected } = send('DDATA', { alias: 1, timestamp: now + 5, datatype: 3, isNull: true })
    expect(timeline).toEqual([{ f: 1, k: 'gap', subject: 'd', device: 'd', reason: 'no-value', fromMs: now + 5, channel: 'a' }])
    expect(rejected).toEqual([])
    expect(send('DBIRTH', { name: 'a', alias: 1, timestamp: now + 9, datatype: 3, isNull: true }).timeline).toMatchObject([
      { k: 'gap', fromMs: now + 9 },
    ])
  })

  test('a name that its birth gave an alias is known by either', () => {
    send('DBIRTH', { name: 'a', alias: 1, timestamp: now, datatype: 3, value: int(1) })
    expect(send('DDATA', { name: 'a', timestamp: now + 1, datatype: 3, value: int(2) }).timeline).toMatchObject([
      { k: 'readings', channels: { a: { v: [2] } } },
    ])
  })

  test('what was rejected before its birth came is used by a replay', () => {
    const early = rawPayload({ seq: undefined, metrics: [{ name: 'a', timestamp: now, datatype: 3, value: int(2) }] })
    feed.message(device('DDATA'), early)
    send('DBIRTH', { name: 'a', alias: 1, timestamp: now + 1, datatype: 3, value: int(3) })
    expect(feed.replay(device('DDATA'), early).timeline).toMatchObject([{ channels: { a: { t: [now], v: [2] } } }])
    expect(countsOf(feed.tick(now + 2000).timeline)).toEqual({ forwarded: [2, 0], rejected: [0, 0] })
  })

  test(
    `is a reading, or rejected by name, or an absence: nothing vanishes (seed ${seed})`,
    () => {
      fc.assert(
        fc.property(fc.array(message, { minLength: payloadsPerRun, maxLength: payloadsPerRun }), (messages) => {
          const feed = createFeed({}, { isQuick: true })
          const sent = [0, 0]
          const timeline: TimelineRecord[] = []
          const rejected: RejectedRecord[] = []
          for (const { type, device, metrics } of messages) {
            const topic = `spBv1.0/g/${type}/n${type.startsWith('D') ? `/${device}` : ''}`
            if (type !== 'DDEATH') for (const one of metrics) addTo(sent, valuesIn(one))
            const out = feed.message(topic, rawPayload({ seq: undefined, metrics }))
            timeline.push(...out.timeline)
            rejected.push(...out.rejected)
          }
          timeline.push(...feed.tick(now).timeline)
          const { forwarded, rejected: counted } = countsOf(timeline)
          const lost = [0, 0]
          for (const record of rejected) addTo(lost, record.lost)
          expect(readingsIn(timeline)).toEqual(forwarded)
          expect(lost).toEqual(counted)
          expect([forwarded[0] + counted[0], forwarded[1] + counted[1]]).toEqual(sent)
        }),
        { seed, numRuns, interruptAfterTimeLimit: seconds * 1000, markInterruptAsFailure: false },
      )
    },
    (seconds + 30) * 1000,
  )
})

/** [readings, samples] that a metric says. */
function valuesIn({ name, datatype, isNull, value }: RawMetric): [number, number] {
  if (isNull || !value || (name && isControl(name))) return [0, 0]
  const width = value.field === 16 ? widths[nameOf.get(datatype ?? 0)!] : undefined
  return width === undefined ? [1, 0] : [0, Math.floor((value.value as Uint8Array).length / width)]
}

function addTo(sum: number[], more: readonly number[]): void {
  sum[0]! += more[0]!
  sum[1]! += more[1]!
}

function countsOf(timeline: TimelineRecord[]): { forwarded: [number, number]; rejected: [number, number] } {
  const newest = new Map<string, CutRecord['devices'][string]>()
  for (const record of timeline)
    if (record.k === 'cut') for (const [device, counts] of Object.entries(record.devices)) newest.set(device, counts)
  const sum = { forwarded: [0, 0] as [number, number], rejected: [0, 0] as [number, number] }
  for (const { forwarded, rejected } of newest.values()) {
    addTo(sum.forwarded, forwarded)
    addTo(sum.rejected, rejected)
  }
  return sum
}

function readingsIn(timeline: TimelineRecord[]): [number, number] {
  const sum: [number, number] = [0, 0]
  for (const record of timeline) {
    if (record.k !== 'readings') continue
    const { channels, waves } = record as ReadingsRecord
    for (const { t } of Object.values(channels)) sum[0] += t.length
    for (const { v } of Object.values(waves).flat()) sum[1] += v.length
  }
  return sum
}
