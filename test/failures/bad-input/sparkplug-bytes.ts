/** Sparkplug payloads that an encoder would refuse to make. Protobuf: a tag is field number << 3 | wire type. */
import { decodePayload, encodePayload, SparkplugError } from '@millrace/contract/sparkplug'

export function isUndecodable(payload: Uint8Array): boolean {
  try {
    decodePayload(payload, {}, () => {})
    return false
  } catch (error) {
    if (error instanceof SparkplugError) return true
    throw error
  }
}

/** A metric with any 64 bits as its time: alias, timestamp, datatype Double, value. */
export function payloadWithTime(alias: number, timestamp: bigint, value: number): Buffer {
  const double = Buffer.alloc(8)
  double.writeDoubleLE(value)
  return payloadOf(
    Buffer.concat([
      Buffer.of(0x10, ...varint(BigInt(alias))),
      Buffer.of(0x18, ...varint(timestamp)),
      Buffer.of(0x20, 10, 0x69),
      double,
    ]),
  )
}

/** A metric whose known fields have the wire types of others: `alias` as text, `timestamp` as a double, `name` as a number. */
export function wrongWireTypes(): Buffer[] {
  const double = Buffer.alloc(8, 1)
  return [
    payloadOf(Buffer.of(0x12, 1, 0x41)),
    payloadOf(Buffer.concat([Buffer.of(0x19), double])),
    payloadOf(Buffer.of(0x08, 5)),
    payloadOf(Buffer.of(0x25, 1, 2, 3, 4)),
    Buffer.concat([payloadOf(Buffer.of(0x10, 1)), Buffer.of(0x1a, 1, 0x41)]),
  ]
}

function payloadOf(metric: Buffer): Buffer {
  const head = encodePayload({ timestamp: Date.now(), seq: 1, metrics: [] })
  return Buffer.concat([head, Buffer.of(0x12, ...varint(BigInt(metric.length))), metric])
}

function varint(value: bigint): number[] {
  const bytes: number[] = []
  for (let rest = BigInt.asUintN(64, value); ; rest >>= 7n) {
    if (rest < 0x80n) return [...bytes, Number(rest)]
    bytes.push(Number(rest & 0x7fn) | 0x80)
  }
}
