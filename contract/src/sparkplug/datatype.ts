/**
 * Sparkplug B datatypes: the name, the number on the wire, and which values are of it.
 *
 * Integers are numbers when they are safe (|n| <= 2^53 - 1), else bigints; both are taken when encoding.
 * Float is rounded to 32 bits. NaN and the infinities are Floats and Doubles like any other.
 */
export const datatypes = {
  Int8: 1,
  Int16: 2,
  Int32: 3,
  Int64: 4,
  UInt8: 5,
  UInt16: 6,
  UInt32: 7,
  UInt64: 8,
  Float: 9,
  Double: 10,
  Boolean: 11,
  String: 12,
  DateTime: 13,
  Text: 14,
  UUID: 15,
  DataSet: 16,
  Bytes: 17,
  File: 18,
  Template: 19,
  PropertySet: 20,
  PropertySetList: 21,
  Int8Array: 22,
  Int16Array: 23,
  Int32Array: 24,
  Int64Array: 25,
  UInt8Array: 26,
  UInt16Array: 27,
  UInt32Array: 28,
  UInt64Array: 29,
  FloatArray: 30,
  DoubleArray: 31,
  BooleanArray: 32,
  StringArray: 33,
  DateTimeArray: 34,
} as const

export type SparkplugDatatype = keyof typeof datatypes

const names: (SparkplugDatatype | undefined)[] = []
for (const [name, code] of Object.entries(datatypes)) names[code] = name as SparkplugDatatype

/** Undefined for 0 (`Unknown`) and for numbers that Sparkplug 3.0 does not define. */
export function datatypeName(code: number): SparkplugDatatype | undefined {
  return names[code]
}

/** Lowest and highest value of the integers that travel in 32 bits or less. */
export const integerRanges: Partial<Record<SparkplugDatatype, readonly [number, number]>> = {
  Int8: [-0x80, 0x7f],
  Int16: [-0x8000, 0x7fff],
  Int32: [-0x8000_0000, 0x7fff_ffff],
  UInt8: [0, 0xff],
  UInt16: [0, 0xffff],
  UInt32: [0, 0xffff_ffff],
}

/**
 * Whether a reading may travel as this datatype; the edge refuses those that may not. Unlike the codec, it takes no NaN,
 * no infinity and no integer above 2^53 - 1: they are not readings. For an array datatype `value` is one sample.
 */
export function fits(datatype: SparkplugDatatype, value: unknown): boolean {
  const element = datatype.endsWith('Array') ? (datatype.slice(0, -5) as SparkplugDatatype) : datatype
  if (element === 'Boolean') return typeof value === 'boolean'
  if (element === 'String' || element === 'Text' || element === 'UUID') return typeof value === 'string'
  if (typeof value !== 'number') return false
  if (element === 'Double') return Number.isFinite(value)
  if (element === 'Float') return Number.isFinite(Math.fround(value))
  if (element === 'Int64') return Number.isSafeInteger(value)
  if (element === 'UInt64' || element === 'DateTime') return Number.isSafeInteger(value) && value >= 0
  const range = integerRanges[element]
  return range !== undefined && Number.isInteger(value) && value >= range[0] && value <= range[1]
}
