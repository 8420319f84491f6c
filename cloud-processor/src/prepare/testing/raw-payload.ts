/** A Sparkplug payload field by field, also what no encoder would write: a value that is not of its datatype, or without one. */
export interface RawMetric {
  name: string | null
  alias: number | null
  timestamp: number | null
  /** Number on the wire. */
  datatype: number | null
  isNull: boolean
  /** `field` is that of the `value` oneof, 10 to 19. */
  value: { field: number; value: bigint | number | Uint8Array } | null
}

export interface RawPayload {
  seq: number | undefined
  metrics: Partial<RawMetric>[]
}

export function rawPayload({ seq, metrics }: RawPayload): Buffer {
  const parts = metrics.map((metric) => bytesField(2, metricBytes(metric)))
  return Buffer.concat([...parts, ...(seq === undefined ? [] : [varintField(3, BigInt(seq))])])
}

function metricBytes({ name, alias, timestamp, datatype, isNull, value }: Partial<RawMetric>): Buffer {
  const parts: Buffer[] = []
  if (name != null) parts.push(bytesField(1, Buffer.from(name)))
  if (alias != null) parts.push(varintField(2, BigInt(alias)))
  if (timestamp != null) parts.push(varintField(3, BigInt(timestamp)))
  if (datatype != null) parts.push(varintField(4, BigInt(datatype)))
  if (isNull) parts.push(varintField(7, 1n))
  if (value) parts.push(valueField(value))
  return Buffer.concat(parts)
}

function valueField({ field, value }: NonNullable<RawMetric['value']>): Buffer {
  if (typeof value === 'bigint') return varintField(field, value)
  if (typeof value !== 'number') return bytesField(field, value)
  const bytes = Buffer.alloc(field === 12 ? 4 : 8)
  if (field === 12) bytes.writeFloatLE(value)
  else bytes.writeDoubleLE(value)
  return Buffer.concat([varint(BigInt((field << 3) | (field === 12 ? 5 : 1))), bytes])
}

function bytesField(field: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([varint(BigInt((field << 3) | 2)), varint(BigInt(bytes.length)), bytes])
}

function varintField(field: number, value: bigint): Buffer {
  return Buffer.concat([varint(BigInt(field << 3)), varint(value)])
}

function varint(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Buffer.from([...bytes, Number(rest)])
}
