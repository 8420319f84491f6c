import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SparkplugDatatype } from './datatype.ts'
import { SparkplugError } from './error.ts'
import { decodePayload, encodePayload, type Payload } from './payload.ts'
import type { PropertySet } from './properties.ts'
import { decodeByPeer, encodeByPeer, metricOf, payloadArbitrary, toWire, values } from './testing/payloads.ts'
import type { MetricValue } from './value.ts'

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replace(/\/\/.*|\s/g, ''), 'hex'))
const plain = (value: Uint8Array) => Uint8Array.from(value)

function reasonOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    if (error instanceof SparkplugError) return error.reason
    throw error
  }
  return 'nothing'
}

/** What the bytes mean, or undefined when they are refused in the only way allowed. */
function decodeOrRefuse(bytes: Uint8Array): Payload | undefined {
  try {
    return decodePayload(bytes)
  } catch (error) {
    expect(error).toBeInstanceOf(SparkplugError)
    const { offset } = error as SparkplugError
    expect(offset).toBeGreaterThanOrEqual(0)
    expect(offset).toBeLessThanOrEqual(bytes.length)
    return undefined
  }
}

const metricWith = (datatype: number, value: string) => {
  const body = `20${datatype.toString(16).padStart(2, '0')}${value}`
  return hex(`12${(body.length / 2).toString(16).padStart(2, '0')}${body}`)
}
const firstValue = (bytes: Uint8Array) => decodePayload(bytes).metrics[0]!.value

describe('a payload worked out by hand', () => {
  const golden = hex(`
    08 80 d0 95 ff bc 31    // 1 timestamp 1700000000000: six groups of seven bits
    12 29                   // 2 metric, 41 bytes
       0a 02 48 52          //   1 name HR
       10 07                //   2 alias 7
       18 ff cf 95 ff bc 31 //   3 timestamp 1699999999999
       20 02                //   4 datatype Int16
       28 01                //   5 is_historical
       4a 10                //   9 properties, 16 bytes
          0a 07 51 75 61 6c 69 74 79   // key Quality
          12 05 08 03 18 f4 03         // value: type Int32, int_value 500
       50 ff ff ff ff 0f    //  10 int_value: -1 as two's complement of 32 bits
    18 05                   // 3 seq
    22 01 61                // 4 uuid a
  `)
  const payload: Payload = {
    timestamp: 1_700_000_000_000,
    metrics: [
      {
        name: 'HR',
        alias: 7,
        timestamp: 1_699_999_999_999,
        datatype: 'Int16',
        isHistorical: true,
        properties: new Map([['Quality', { type: 'Int32', value: 500 }]]),
        value: -1,
      },
    ],
    seq: 5,
    uuid: 'a',
  }

  it('is what the encoder writes', () => {
    expect(Buffer.from(encodePayload(payload)).toString('hex')).toBe(Buffer.from(golden).toString('hex'))
  })

  it('is what the decoder reads', () => {
    expect(decodePayload(golden)).toEqual(payload)
  })
})

describe('round trips', () => {
  for (const datatype of Object.keys(values) as SparkplugDatatype[]) {
    it(`${datatype} comes back as it went`, () => {
      fc.assert(
        fc.property(metricOf(datatype), (metric) => {
          const { metrics } = decodePayload(encodePayload({ metrics: [metric] }))
          expect(metrics).toEqual([metric])
        }),
        { numRuns: 60 },
      )
    })
  }

  it('whole payloads come back as they went', () => {
    fc.assert(
      fc.property(payloadArbitrary, (payload) => {
        expect(decodePayload(encodePayload(payload))).toEqual(payload)
      }),
      { numRuns: 200 },
    )
  })

  it('NaN and the infinities survive', () => {
    for (const datatype of ['Float', 'Double'] as const) {
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        expect(firstValue(encodePayload({ metrics: [{ datatype, value }] }))).toBe(value)
      }
    }
  })

  it('a payload longer than the first buffer comes back', () => {
    const metrics = Array.from({ length: 3000 }, (_, alias) => ({
      alias,
      datatype: 'String' as const,
      value: 'ä'.repeat(alias % 99),
    }))
    expect(decodePayload(encodePayload({ metrics })).metrics).toEqual(metrics)
  })
})

describe('fields of a metric', () => {
  it('may come in any order, and the last of equal ones counts', () => {
    const properties = '4a 10 0a 07 51 75 61 6c 69 74 79 12 05 08 03 18 f4 03'
    const bytes = hex(`12 1c 50 05 ${properties} 50 06 20 03 10 01 10 02`)
    expect(decodePayload(bytes).metrics).toEqual([
      { alias: 2, datatype: 'Int32', properties: new Map([['Quality', { type: 'Int32', value: 500 }]]), value: 6 },
    ])
  })

  it('are not taken over from the metric before', () => {
    const full: Payload['metrics'][number] = {
      name: 'a',
      alias: 1,
      timestamp: 1,
      datatype: 'Int32',
      isHistorical: true,
      isTransient: true,
      properties: new Map(),
      value: 1,
    }
    expect(decodePayload(encodePayload({ metrics: [full, {}] })).metrics).toEqual([full, {}])
  })

  it('keep a byte order mark', () => {
    const metrics = [{ name: '\ufeffa', datatype: 'String' as const, value: '\ufeff' }]
    expect(decodePayload(encodePayload({ metrics })).metrics).toEqual(metrics)
  })
})

function orRefused<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch {
    return undefined
  }
}

describe('against protobufjs', () => {
  it('what we write it reads', () => {
    fc.assert(
      fc.property(payloadArbitrary, (payload) => {
        expect(decodeByPeer(encodePayload(payload))).toEqual(toWire(payload))
      }),
      { numRuns: 300 },
    )
  })

  it('what it writes we read', () => {
    fc.assert(
      fc.property(payloadArbitrary, (payload) => {
        expect(decodePayload(encodeByPeer(toWire(payload)))).toEqual(payload)
      }),
      { numRuns: 300 },
    )
  })

  it('meta data and extensions are skipped', () => {
    const metadata = { isMultiPart: true, contentType: 'text/plain', size: 7 }
    const bytes = encodeByPeer({ metrics: [{ alias: 1, metadata, later: '12345', datatype: 12, string: 'x' }] })
    expect(decodePayload(bytes).metrics).toEqual([{ alias: 1, datatype: 'String', value: 'x' }])
  })

  it('what was damaged and both still read, both read the same', () => {
    const damaged = fc.tuple(payloadArbitrary, fc.nat(), fc.nat(255)).map(([payload, at, byte]) => {
      const bytes = plain(encodePayload(payload))
      if (bytes.length > 0) bytes[at % bytes.length] = byte
      return bytes
    })
    fc.assert(
      fc.property(damaged, (bytes) => {
        const ours = decodeOrRefuse(bytes)
        // Ours is the stricter one, but for meta data, which it passes over: one byte may make a metric's values look like that.
        const theirs = orRefused(() => decodeByPeer(bytes).metrics ?? []) as { name?: string }[] | undefined
        if (ours && theirs) expect(ours.metrics.map(({ name }) => name)).toEqual(theirs.map(({ name }) => name))
      }),
      { numRuns: 500 },
    )
  })
})

describe('hostile bytes', () => {
  it('every truncation is read or refused', () => {
    fc.assert(
      fc.property(payloadArbitrary, (payload) => {
        const bytes = encodePayload(payload)
        for (let length = 0; length < bytes.length; length += 1 + (length >> 6)) decodeOrRefuse(bytes.subarray(0, length))
      }),
      { numRuns: 60 },
    )
  })

  it('random bytes are read or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void decodeOrRefuse(bytes)),
      { numRuns: 2000 },
    )
  })

  it('random fields in a metric are read or refused', () => {
    const inMetric = fc.uint8Array({ minLength: 1, maxLength: 100 }).map((bytes) => Buffer.from([0x12, bytes.length, ...bytes]))
    fc.assert(
      fc.property(inMetric, (bytes) => void decodeOrRefuse(bytes)),
      { numRuns: 2000 },
    )
  })

  it('names its reason', () => {
    const cases: [string, string][] = [
      ['08 80', 'truncated'], // a varint without its last byte
      ['12 05 10 01', 'truncated'], // a metric shorter than announced
      ['12 03 65 00 00 22 02 61 61', 'truncated'], // a float that runs into the next field
      ['12 ff ff ff ff ff ff ff ff 7f', 'truncated'], // a length of 2^63
      ['08 80 80 80 80 80 80 80 80 80 80 01', 'bad-varint'],
      ['00 00', 'bad-field'],
      ['80 80 80 80 80 80 01 00', 'bad-field'], // a tag of 43 bits
      ['0d 00 00 00 00', 'bad-wire-type'], // timestamp as fixed32
      ['33 34', 'bad-wire-type'], // a group
      ['22 01 ff', 'bad-utf8'],
      ['22 03 ed a0 80', 'bad-utf8'], // a surrogate
      ['08 80 80 80 80 80 80 80 80 80 01', 'out-of-range'], // a time of 2^63
      ['12 02 20 63', 'unsupported'], // datatype 99
      ['12 06 20 0b 7a 02 68 69', 'datatype-mismatch'], // Boolean with a string
      ['12 05 20 01 50 c8 02', 'datatype-mismatch'], // Int8 328
      ['12 07 20 17 82 01 01 00', 'truncated'],
      ['12 06 20 17 82 01 01 00', 'datatype-mismatch'], // an Int16Array of one byte
      ['12 0b 20 20 82 01 06 ff ff ff ff 00 00', 'truncated'], // 2^32 booleans in two bytes
      ['12 05 4a 03 0a 01 61', 'bad-properties'], // a key without a value
    ]
    for (const [bytes, reason] of cases) expect([bytes, reasonOf(() => decodePayload(hex(bytes)))]).toEqual([bytes, reason])
  })

  it('stops at each limit', () => {
    const set = (depth: number): PropertySet =>
      new Map([['p', depth === 1 ? { type: 'Int32', value: 1 } : { type: 'PropertySet', value: set(depth - 1) }]])
    const bytes = encodePayload({
      metrics: [
        { alias: 1, datatype: 'String', value: 'twelve bytes', properties: set(3) },
        { alias: 2, datatype: 'Int8Array', value: [1, 2, 3, 4] },
      ],
    })
    const limited = (limits: Parameters<typeof decodePayload>[1]) => reasonOf(() => decodePayload(bytes, limits))
    expect(limited({ bytes: bytes.length, metrics: 2, depth: 3, stringBytes: 12, properties: 3, elements: 4 })).toBe('nothing')
    expect(limited({ bytes: bytes.length - 1 })).toBe('too-large')
    expect(limited({ metrics: 1 })).toBe('too-many')
    expect(limited({ depth: 2 })).toBe('too-deep')
    expect(limited({ stringBytes: 11 })).toBe('too-large')
    expect(limited({ properties: 2 })).toBe('too-many')
    expect(limited({ elements: 3 })).toBe('too-many')
  })

  it('a deep nest and a wide one end quickly', () => {
    const inside = (tag: number, bytes: Buffer) => Buffer.concat([Buffer.of(tag), varint(bytes.length), bytes])
    let nest = Buffer.alloc(0)
    while (nest.length < 4000) nest = Buffer.concat([Buffer.from('0a0161', 'hex'), inside(0x12, inside(0x4a, nest))])
    expect(reasonOf(() => decodePayload(inside(0x12, inside(0x4a, nest))))).toBe('too-deep')
    const started = performance.now()
    expect(reasonOf(() => decodePayload(Buffer.alloc(1 << 20, Buffer.from('1200', 'hex'))))).toBe('too-many')
    expect(performance.now() - started).toBeLessThan(2000)
  })
})

function varint(value: number): Buffer {
  return value < 0x80 ? Buffer.of(value) : Buffer.concat([Buffer.of((value & 0x7f) | 0x80), varint(value >>> 7)])
}

describe('integers of other encoders', () => {
  it('a negative Int8 is taken as two’s complement of 32 bits, of its own width, or sign-extended to 64', () => {
    expect(firstValue(metricWith(1, '50 ff ff ff ff 0f'.replaceAll(' ', '')))).toBe(-1)
    expect(firstValue(metricWith(1, '50fe01'))).toBe(-2)
    expect(firstValue(metricWith(1, '50ffffffffffffffffff01'))).toBe(-1)
  })

  it('an Int32 or UInt32 in long_value is taken when it fits', () => {
    expect(firstValue(metricWith(3, '58ffffffffffffffffff01'))).toBe(-1)
    expect(firstValue(metricWith(3, '58ffffffff0f'))).toBe(-1)
    expect(firstValue(metricWith(7, '58ffffffff0f'))).toBe(4_294_967_295)
    expect(reasonOf(() => firstValue(metricWith(7, '58ffffffff1f')))).toBe('datatype-mismatch')
  })

  it('an Int64 in int_value is unsigned', () => {
    expect(firstValue(metricWith(4, '50ffffffff0f'))).toBe(4_294_967_295)
  })

  it('a 64-bit integer is a number when it is safe, else a bigint', () => {
    const over = (datatype: SparkplugDatatype, value: MetricValue) =>
      firstValue(encodePayload({ metrics: [{ datatype, value }] }))
    expect(over('Int64', 2 ** 53 - 1)).toBe(2 ** 53 - 1)
    expect(over('Int64', 2n ** 53n)).toBe(2n ** 53n)
    expect(over('Int64', -(2n ** 63n))).toBe(-(2n ** 63n))
    expect(over('UInt64', 2n ** 64n - 1n)).toBe(2n ** 64n - 1n)
    expect(over('UInt64', 5n)).toBe(5)
  })

  it('a value without a datatype is what its field says', () => {
    expect(firstValue(hex('12 02 50 07'))).toBe(7)
    expect(firstValue(hex('12 02 70 01'))).toBe(true)
    expect(firstValue(hex('12 04 7a 02 68 69'))).toBe('hi')
  })
})

describe('arrays', () => {
  // Sparkplug 3.0.0, section 6.4.16, but for the Int16Array; its DateTimeArray leaves out the two high zero bytes that its text asks for.
  const examples: [SparkplugDatatype, MetricValue, string][] = [
    ['Int16Array', [-29_184, 30_000], '008e3075'],
    ['Int32Array', [123456789, 987654321], '15cd5b07b168de3a'],
    ['BooleanArray', [false, false, true, true, false, true, false, false, true, true, false, true], '0c00000034d0'],
    ['StringArray', ['ABC', 'hello'], '4142430068656c6c6f00'],
    ['DateTimeArray', [1256102875335, 1656107875000], 'c7d0907524010000b8bab89781010000'],
  ]
  for (const [datatype, value, packed] of examples) {
    it(`${datatype} is packed as in the specification's example`, () => {
      const bytes = encodePayload({ metrics: [{ datatype, value }] })
      expect(Buffer.from(bytes).toString('hex')).toMatch(new RegExp(`${packed}$`))
      expect(firstValue(bytes)).toEqual(value)
    })
  }
})

describe('what cannot be encoded', () => {
  it('is refused with its reason', () => {
    const cases: [SparkplugDatatype | undefined, unknown, string][] = [
      ['Int8', 128, 'datatype-mismatch'],
      ['Int16', 1.5, 'datatype-mismatch'],
      ['UInt32', -1, 'datatype-mismatch'],
      ['Int64', 2 ** 53, 'datatype-mismatch'],
      ['UInt64', 2n ** 64n, 'datatype-mismatch'],
      ['Double', 'x', 'datatype-mismatch'],
      ['String', 1, 'datatype-mismatch'],
      ['Bytes', [1], 'datatype-mismatch'],
      ['Int16Array', [40_000], 'datatype-mismatch'],
      ['StringArray', ['a\0b'], 'datatype-mismatch'],
      ['PropertySet', 1, 'unsupported'],
      [undefined, 1, 'datatype-mismatch'],
    ]
    for (const [datatype, value, reason] of cases) {
      const encode = () => encodePayload({ metrics: [{ datatype, value: value as MetricValue }] })
      expect([datatype, value, reasonOf(encode)]).toEqual([datatype, value, reason])
    }
    expect(reasonOf(() => encodePayload({ metrics: [], seq: -1 }))).toBe('out-of-range')
    expect(reasonOf(() => encodePayload({ metrics: [{ timestamp: 0.5 }] }))).toBe('out-of-range')
  })
})

describe('one bad metric', () => {
  it('is told and left out when the caller asks for that, and its neighbours stay', () => {
    const good = { alias: 1, datatype: 'Int32' as const, value: 5 }
    const bytes = Buffer.concat([
      encodePayload({ metrics: [good] }),
      metricWith(11, '7a026869'),
      encodePayload({ metrics: [good] }),
    ])
    const told: [string, number][] = []
    const { metrics } = decodePayload(bytes, {}, ({ reason }, index) => told.push([reason, index]))
    expect(metrics).toEqual([good, good])
    expect(told).toEqual([['datatype-mismatch', 1]])
    expect(reasonOf(() => decodePayload(bytes))).toBe('datatype-mismatch')
  })
})
