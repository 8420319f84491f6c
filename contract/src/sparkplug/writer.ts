/**
 * Writes protobuf fields into one growing buffer that all encoders of this process share: encoding is synchronous, so there
 * is never more than one at work. `start` begins a message, `finish` gives a copy of it.
 *
 * A nested message gets one byte for its length; when it turns out longer than 127 bytes it is moved up.
 */
import { SparkplugError, type SparkplugReason } from './error.ts'

const startBytes = 1 << 16
/** A larger buffer is given back after use. */
const keepBytes = 1 << 21

export class Writer {
  bytes: Buffer = Buffer.allocUnsafeSlow(startBytes)
  view = viewOf(this.bytes)
  pos = 0

  start(): this {
    if (this.bytes.length > keepBytes) this.replace(Buffer.allocUnsafeSlow(startBytes))
    this.pos = 0
    return this
  }

  finish(): Uint8Array {
    const out = Buffer.allocUnsafe(this.pos)
    this.bytes.copy(out, 0, 0, this.pos)
    return out
  }

  fail(reason: SparkplugReason, detail: string): never {
    throw new SparkplugError(reason, this.pos, detail)
  }

  /** Room for `count` more bytes; callers that write single bytes ask first. */
  reserve(count: number): void {
    if (this.pos + count <= this.bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.pos + count))
    this.bytes.copy(larger, 0, 0, this.pos)
    this.replace(larger)
  }

  byte(value: number): void {
    this.bytes[this.pos++] = value
  }

  /** Of a field. */
  key(field: number, wireType: number): void {
    this.varint32((field << 3) | wireType)
  }

  varint32(value: number): void {
    let rest = value >>> 0
    const { bytes } = this
    let at = this.pos
    while (rest > 0x7f) {
      bytes[at++] = rest | 0x80
      rest >>>= 7
    }
    bytes[at++] = rest
    this.pos = at
  }

  /** A safe integer; a negative one as 64-bit two's complement. */
  varint(value: number): void {
    const low = value >>> 0
    this.halves(low, (value - low) / 0x1_0000_0000)
  }

  bigVarint(value: bigint): void {
    this.halves(Number(value & 0xffff_ffffn), Number((value >> 32n) & 0xffff_ffffn))
  }

  float(value: number): void {
    this.view.setFloat32(this.pos, value, true)
    this.pos += 4
  }

  double(value: number): void {
    this.view.setFloat64(this.pos, value, true)
    this.pos += 8
  }

  /** A length-delimited field. */
  text(tag: number, value: string): void {
    this.reserve(value.length * 3 + 16)
    this.varint32(tag)
    const start = this.open()
    this.pos += this.bytes.write(value, this.pos, 'utf8')
    this.close(start)
  }

  data(tag: number, value: Uint8Array): void {
    this.reserve(value.length + 16)
    this.varint32(tag)
    this.varint32(value.length)
    this.bytes.set(value, this.pos)
    this.pos += value.length
  }

  /** Starts a nested message whose tag is written; give what it returns to `close`. */
  open(): number {
    return ++this.pos
  }

  close(start: number): void {
    const length = this.pos - start
    if (length < 0x80) {
      this.bytes[start - 1] = length
      return
    }
    let lengthBytes = 1
    while (length >>> (7 * lengthBytes) !== 0) lengthBytes++
    this.reserve(8)
    this.bytes.copyWithin(start - 1 + lengthBytes, start, this.pos)
    this.pos = start - 1
    this.varint32(length)
    this.pos += length
  }

  private halves(low: number, high: number): void {
    const { bytes } = this
    let at = this.pos
    let lower = low | 0
    let upper = high | 0
    while (upper !== 0 || lower >>> 0 > 0x7f) {
      bytes[at++] = lower | 0x80
      lower = (lower >>> 7) | (upper << 25)
      upper >>>= 7
    }
    bytes[at++] = lower
    this.pos = at
  }

  private replace(bytes: Buffer): void {
    this.bytes = bytes
    this.view = viewOf(bytes)
  }
}

export const writer = new Writer()

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}
