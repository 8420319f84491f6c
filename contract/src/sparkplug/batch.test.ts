import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nodeMetrics } from '../naming.ts'
import type { Columns, Datatype, Value } from '../reading.ts'
import type { Channel, Column, Segment } from '../records/fields.ts'
import { decodeBatch } from './decode-batch.ts'
import { type BatchToEncode, encodeBatch } from './encode-batch.ts'
import { SparkplugError } from './error.ts'
import type { Metric } from './metric.ts'
import { decodePayload, encodePayload } from './payload.ts'
import { peek } from './peek.ts'
import { payloadArbitrary } from './testing/payloads.ts'

const datatypes: Datatype[] = [
  'Int16',
  'Int32',
  'Int64',
  'Float',
  'Double',
  'Boolean',
  'String',
  'Int16Array',
  'Int32Array',
  'FloatArray',
]
const kinds = { Boolean: 'boolean', String: 'text', Int16Array: 'waveform', Int32Array: 'waveform', FloatArray: 'waveform' }
const channels = datatypes.map((datatype): Channel => {
  const kind = (kinds[datatype as 'String'] ?? 'number') as Channel['kind']
  return { name: `c${datatype}`, kind, datatype, unit: '1', ...(kind === 'waveform' ? { intervalMs: 4 } : {}) }
})
const aliasOf = (name: string) => 100 + channels.findIndex((channel) => channel.name === name)
const channelOf = (key: number | string) => (typeof key === 'number' ? channels[key - 100] : undefined)
const named = (name: string) => channels.find((channel) => channel.name === name)!

const encode = (columns: Columns, more: Partial<BatchToEncode> = {}) =>
  encodeBatch({
    name: { stream: 'abcdefgh', number: 7, count: 3 },
    columns,
    aliasOf,
    datatypeOf: (name) => named(name).datatype,
    intervalMsOf: (name) => named(name).intervalMs,
    timestamp: 1_700_000_000_000,
    seq: 9,
    historical: false,
    ...more,
  })
const decode = (bytes: Uint8Array) => decodeBatch(bytes, channelOf)
const decodeMetrics = (...metrics: Metric[]) => decode(encodePayload({ metrics }))

const rawValues: Record<string, fc.Arbitrary<Value>> = {
  Int16: fc.integer({ min: -0x8000, max: 0x7fff }),
  Int32: fc.integer(),
  Int64: fc.maxSafeInteger(),
  Float: fc.float({ noNaN: true, noDefaultInfinity: true }),
  Double: fc.double({ noNaN: true, noDefaultInfinity: true }),
  Boolean: fc.boolean(),
  String: fc.string({ unit: 'grapheme', maxLength: 200 }),
}
const atMs = fc.integer({ min: 1_699_999_990_000, max: 1_700_000_000_000 })

const columnOf = (datatype: Datatype): fc.Arbitrary<Column> =>
  fc
    .uniqueArray(fc.tuple(atMs, rawValues[datatype]!, fc.constantFrom(0, 0, 0, 1, 2)), {
      minLength: 1,
      maxLength: 30,
      selector: ([t]) => t,
    })
    .map((rows) => {
      rows.sort((a, b) => a[0] - b[0])
      const q = rows.map((row) => row[2])
      const column: Column = { t: rows.map((row) => row[0]), v: rows.map((row) => row[1]) }
      return q.some(Boolean) ? { ...column, q } : column
    })

const samples = {
  Int16Array: fc.integer({ min: -0x8000, max: 0x7fff }),
  Int32Array: fc.integer(),
  FloatArray: fc.float({ noNaN: true, noDefaultInfinity: true }),
}
const segmentsOf = (datatype: 'Int16Array'): fc.Arbitrary<Segment[]> =>
  fc
    .array(
      fc.record({
        t: fc.oneof(
          atMs,
          atMs.map((t) => t + 0.375),
        ),
        i: fc.constantFrom(4, 2.5, 1000 / 60),
        v: fc.array(samples[datatype], { maxLength: 80 }),
      }),
      { minLength: 1, maxLength: 4 },
    )
    .map((segments) => segments.sort((a, b) => a.t - b.t))

const optional = <T>(list: Channel[], of: (channel: Channel) => fc.Arbitrary<T>) =>
  fc.record(Object.fromEntries(list.map((channel) => [channel.name, of(channel)])), { requiredKeys: [] }) as fc.Arbitrary<
    Record<string, T>
  >

const columnsArbitrary: fc.Arbitrary<Columns> = fc.record({
  channels: optional(
    channels.filter(({ kind }) => kind !== 'waveform'),
    ({ datatype }) => columnOf(datatype),
  ),
  waves: optional(
    channels.filter(({ kind }) => kind === 'waveform'),
    ({ datatype }) => segmentsOf(datatype as 'Int16Array'),
  ),
})

describe('a batch', () => {
  it('comes back as it went, with each channel in its order', () => {
    fc.assert(
      fc.property(columnsArbitrary, fc.boolean(), (columns, historical) => {
        const batch = decode(encode(columns, { historical }))
        expect(batch.problems).toEqual([])
        expect(batch.columns).toEqual(columns)
      }),
      { numRuns: 150 },
    )
  })

  it('has its metrics in time order across channels, all historical or none', () => {
    fc.assert(
      fc.property(columnsArbitrary, fc.boolean(), (columns, historical) => {
        const absences = [{ channel: '*', t: 1_699_999_995_000, reason: 'unplugged' as const }]
        const { metrics } = decodePayload(encode({ ...columns, absences }, { historical }))
        const times = metrics.map(({ timestamp }) => timestamp!)
        expect(times).toEqual([...times].sort((a, b) => a - b))
        expect(metrics.every(({ isHistorical }) => (isHistorical ?? false) === historical)).toBe(true)
      }),
      { numRuns: 80 },
    )
  })

  it('carries its name, its seq and its time, which peek sees as well', () => {
    const bytes = encode({ channels: { cInt16: { t: [5], v: [1] } }, waves: {} }, { historical: true })
    const expected = { uuid: 'millrace:abcdefgh/7/3', seq: 9, timestamp: 1_700_000_000_000, historical: true }
    expect(decode(bytes)).toMatchObject(expected)
    expect(peek(bytes)).toEqual(expected)
  })

  it('carries absences and bad frames', () => {
    const absences = [{ channel: 'cInt16', t: 8, reason: 'probe-off' as const }]
    const bad = [{ atMs: 3, reason: 'checksum', hex: '0aff', bytes: 2 }]
    const columns = { channels: { cInt16: { t: [5], v: [1] } }, waves: {}, absences }
    expect(decode(encode(columns, { bad }))).toMatchObject({ columns, bad, problems: [], extra: [] })
  })

  it('says good quality by saying nothing', () => {
    const { metrics } = decodePayload(encode({ channels: { cInt16: { t: [1, 2, 3], v: [1, 2, 3], q: [0, 1, 2] } }, waves: {} }))
    expect(metrics.map(({ properties }) => properties?.get('Quality'))).toEqual([
      undefined,
      { type: 'Int32', value: 500 },
      { type: 'Int32', value: 0 },
    ])
  })

  it('tells the interval of a segment only where it is not the declared one, and a start only where it is not whole', () => {
    const segments = [
      { t: 10, i: 4, v: [1] },
      { t: 20.5, i: 4, v: [2] },
      { t: 30, i: 5, v: [3] },
    ]
    const columns = { channels: {}, waves: { cInt16Array: segments } }
    const keys = (bytes: Uint8Array) => decodePayload(bytes).metrics.map(({ properties }) => [...(properties?.keys() ?? [])])
    expect(keys(encode(columns))).toEqual([[], ['startMs'], ['intervalMs']])
    expect(keys(encode(columns, { intervalMsOf: undefined }))).toEqual([
      ['intervalMs'],
      ['startMs', 'intervalMs'],
      ['intervalMs'],
    ])
  })

  it('refuses a value that is not of its datatype, and a time that is not a whole number of ms', () => {
    const refused: [string, number, Value, string][] = [
      ['cInt16', 1, 40_000, 'datatype-mismatch'],
      ['cInt32', 1, 1.5, 'datatype-mismatch'],
      ['cInt32', 1, true, 'datatype-mismatch'],
      ['cInt64', 1, 2 ** 53, 'datatype-mismatch'],
      ['cFloat', 1, 'x', 'datatype-mismatch'],
      ['cBoolean', 1, 1, 'datatype-mismatch'],
      ['cString', 1, 1, 'datatype-mismatch'],
      ['cInt16', 1.5, 1, 'out-of-range'],
      ['cInt16', -1, 1, 'out-of-range'],
      ['cInt16', Number.NaN, 1, 'out-of-range'],
    ]
    for (const [name, t, v, reason] of refused) {
      const call = () => encode({ channels: { [name]: { t: [t], v: [v] } }, waves: {} })
      expect(call).toThrow(SparkplugError)
      expect(call).toThrow(reason)
    }
    expect(encode({ channels: { cInt16: { t: [1], v: [1] } }, waves: {} }).length).toBeGreaterThan(0)
  })
})

describe('a batch with something wrong in it', () => {
  const good: Metric = { alias: 100, timestamp: 50, datatype: 'Int16', value: 1 }
  const column = { t: [50, 50], v: [1, 1] }

  it('names each problem with what it cost, and its neighbours go on', () => {
    const cases: [Metric, object][] = [
      [
        { alias: 5, timestamp: 1, datatype: 'Int16', value: 1 },
        { reason: 'unknown-alias', alias: 5, t: 1, lost: [1, 0] },
      ],
      [
        { alias: 5, timestamp: 1, datatype: 'Int32Array', value: [1, 2, 3] },
        { reason: 'unknown-alias', alias: 5, t: 1, lost: [0, 3] },
      ],
      [
        { alias: 100, datatype: 'Int16', value: 1 },
        { reason: 'missing-timestamp', alias: 100, name: 'cInt16', lost: [1, 0] },
      ],
      [
        { alias: 100, timestamp: 1, value: null },
        { reason: 'null', alias: 100, name: 'cInt16', t: 1, lost: [0, 0] },
      ],
      [
        { alias: 103, timestamp: 1, datatype: 'Float', value: Number.NaN },
        { reason: 'not-a-number', alias: 103, name: 'cFloat', t: 1, raw: Number.NaN, lost: [1, 0] },
      ],
      [
        { alias: 104, timestamp: 1, datatype: 'Double', value: Number.POSITIVE_INFINITY },
        { reason: 'not-a-number', alias: 104, name: 'cDouble', t: 1, raw: Number.POSITIVE_INFINITY, lost: [1, 0] },
      ],
      [
        { alias: 102, timestamp: 1, datatype: 'Int64', value: 2n ** 60n },
        { reason: 'out-of-range', alias: 102, name: 'cInt64', t: 1, raw: 2n ** 60n, lost: [1, 0] },
      ],
      [
        { alias: 100, timestamp: 1, datatype: 'String', value: 'x' },
        { reason: 'datatype-mismatch', alias: 100, name: 'cInt16', t: 1, raw: 'x', lost: [1, 0] },
      ],
      [
        { alias: 100, timestamp: 1, datatype: 'Double', value: 1.5 },
        { reason: 'datatype-mismatch', alias: 100, name: 'cInt16', t: 1, raw: 1.5, lost: [1, 0] },
      ],
      [
        { alias: 100, timestamp: 1, datatype: 'Int32', value: 70_000 },
        { reason: 'datatype-mismatch', alias: 100, name: 'cInt16', t: 1, raw: 70_000, lost: [1, 0] },
      ],
      [
        { alias: 107, timestamp: 1, datatype: 'Int16', value: 1 },
        { reason: 'datatype-mismatch', alias: 107, name: 'cInt16Array', t: 1, lost: [1, 0] },
      ],
      [
        { alias: 109, timestamp: 1, datatype: 'FloatArray', value: [1, Number.NaN] },
        { reason: 'not-a-number', alias: 109, name: 'cFloatArray', t: 1, lost: [0, 2] },
      ],
      [
        {
          alias: 107,
          timestamp: 1,
          datatype: 'Int16Array',
          value: [1],
          properties: new Map([['intervalMs', { type: 'Double', value: 0 }]]),
        },
        { reason: 'missing-interval', alias: 107, name: 'cInt16Array', t: 1, lost: [0, 1] },
      ],
      [
        {
          alias: 107,
          timestamp: 1,
          datatype: 'Int16Array',
          value: [1],
          properties: new Map([['startMs', { type: 'Double', value: 2.5 }]]),
        },
        { reason: 'bad-properties', alias: 107, name: 'cInt16Array', t: 1, lost: [0, 1] },
      ],
      [
        { name: nodeMetrics.absence, timestamp: 1, datatype: 'String', value: 'not json' },
        { reason: 'bad-json', name: nodeMetrics.absence, t: 1, lost: [0, 0] },
      ],
      [
        { name: nodeMetrics.absence, timestamp: 1, datatype: 'String', value: '[{"channel":"c","t":1,"reason":"because"}]' },
        { reason: 'bad-json', name: nodeMetrics.absence, t: 1, lost: [0, 0] },
      ],
      [
        { name: nodeMetrics.rejected, timestamp: 1, datatype: 'String', value: '[{"atMs":1,"reason":"x","hex":"0","bytes":1}]' },
        { reason: 'bad-json', name: nodeMetrics.rejected, t: 1, lost: [0, 0] },
      ],
    ]
    for (const [metric, problem] of cases) {
      const batch = decodeMetrics(good, metric, good)
      expect(batch.problems).toEqual([{ index: 1, ...problem }])
      expect(batch.columns).toEqual({ channels: { cInt16: column }, waves: {} })
    }
  })

  it('has notes by alias as from a device that is named, and by name as from agents before', () => {
    const absences = [{ channel: '*', t: 1_700_000_000_000, reason: 'unplugged' as const }]
    const bad = [{ atMs: 1_700_000_000_000, reason: 'crc', hex: '00', bytes: 1 }]
    for (const device of ['bed4', undefined]) {
      const bytes = encode({ channels: {}, waves: {}, absences }, { bad, device })
      expect(Buffer.from(bytes).includes('Millrace/')).toBe(device === undefined)
      expect(decode(bytes)).toMatchObject({ columns: { absences }, bad, problems: [] })
    }
  })

  it('takes the good ones of a list of absences', () => {
    const value = '[null,{"channel":"c","t":1,"reason":"stalled"},5]'
    const batch = decodeMetrics({ name: nodeMetrics.absence, timestamp: 1, datatype: 'String', value })
    expect(batch.columns.absences).toEqual([{ channel: 'c', t: 1, reason: 'stalled' }])
    expect(batch.problems).toHaveLength(1)
  })

  it('keeps text that is not UTF-8 to its own metric', () => {
    const bytes = encodePayload({ metrics: [good, { alias: 106, timestamp: 1, datatype: 'String', value: 'abc' }, good] })
    bytes[Buffer.from(bytes).indexOf('abc')] = 0xff
    const batch = decode(bytes)
    expect(batch.problems).toMatchObject([{ reason: 'bad-utf8', alias: 106, index: 1 }])
    expect(batch.columns.channels.cInt16).toEqual(column)
  })

  it('keeps a broken property to its own metric', () => {
    const broken = Buffer.from('120f' + '1064' + '1801' + '4a07' + '0a0161' + '12020863' + '5001', 'hex')
    const batch = decode(Buffer.concat([encodePayload({ metrics: [good] }), broken, encodePayload({ metrics: [good] })]))
    expect(batch.problems).toMatchObject([{ reason: 'unsupported', alias: 100, index: 1 }])
    expect(batch.columns.channels.cInt16).toEqual(column)
  })

  it('is refused as a whole when its framing is broken, in no other way', () => {
    fc.assert(
      fc.property(columnsArbitrary, fc.nat(), fc.nat(255), (columns, at, byte) => {
        const bytes = Buffer.from(encode(columns))
        decodeOrRefuse(bytes.subarray(0, at % bytes.length))
        bytes[at % bytes.length] = byte
        decodeOrRefuse(bytes)
      }),
      { numRuns: 300 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => decodeOrRefuse(bytes)),
      { numRuns: 1000 },
    )
    fc.assert(
      fc.property(payloadArbitrary, (payload) => decodeOrRefuse(encodePayload(payload))),
      { numRuns: 200 },
    )
  })

  function decodeOrRefuse(bytes: Uint8Array): void {
    try {
      decodeBatch(bytes, (key) => (typeof key === 'number' ? channels[key % channels.length] : undefined))
    } catch (error) {
      expect(error).toBeInstanceOf(SparkplugError)
    }
  }
})

describe('a batch of a foreign node', () => {
  it('may use names instead of aliases; other names are extra', () => {
    const bytes = encodePayload({
      metrics: [
        { name: 'cInt16', timestamp: 1, datatype: 'Int16', value: 3 },
        { name: 'Supply Voltage', timestamp: 2, datatype: 'Float', value: 12.5 },
      ],
    })
    const batch = decodeBatch(bytes, (key) => (typeof key === 'string' ? channels.find(({ name }) => name === key) : undefined))
    expect(batch.columns.channels).toEqual({ cInt16: { t: [1], v: [3] } })
    expect(batch.extra).toEqual([{ name: 'Supply Voltage', timestamp: 2, datatype: 'Float', value: 12.5 }])
  })

  it('may leave the datatype out, and may use another width', () => {
    const withoutDatatype = Buffer.from('12 0a 10 64 18 01 50 ff ff ff ff 0f'.replaceAll(' ', ''), 'hex')
    expect(decode(withoutDatatype).columns.channels).toEqual({ cInt16: { t: [1], v: [-1] } })
    const wide = decodeMetrics({ alias: 101, timestamp: 1, datatype: 'UInt16', value: 60_000 })
    expect(wide.columns.channels).toEqual({ cInt32: { t: [1], v: [60_000] } })
  })

  it('may have channels named as members of Object', () => {
    const channel = { ...channels[0]!, name: 'constructor' }
    const bytes = encodePayload({ metrics: [{ alias: 1, timestamp: 1, datatype: 'Int16', value: 3 }] })
    expect(decodeBatch(bytes, () => channel).columns.channels).toEqual({ constructor: { t: [1], v: [3] } })
  })

  it('has its OPC qualities mapped', () => {
    const metrics = [192, 216, 64, 500, 0, 24, 999].map(
      (value, index): Metric => ({
        alias: 100,
        timestamp: index,
        datatype: 'Int16',
        value: 1,
        properties: new Map([['Quality', { type: 'Int32', value }]]),
      }),
    )
    expect(decodeMetrics(...metrics).columns.channels.cInt16!.q).toEqual([0, 0, 1, 1, 2, 2, 1])
  })

  it('has two aliases of one name in one column', () => {
    const bytes = encodePayload({
      metrics: [1, 2].map((alias): Metric => ({ alias, timestamp: alias, datatype: 'Int16', value: alias })),
    })
    expect(decodeBatch(bytes, () => ({ ...channels[0]! })).columns.channels).toEqual({ cInt16: { t: [1, 2], v: [1, 2] } })
  })
})
