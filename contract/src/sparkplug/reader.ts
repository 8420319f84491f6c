/**
 * Reads protobuf fields off bytes that nobody vouches for. A field is a tag (varint: number << 3 | wire type) and then
 *
 *   wire type 0  varint: 7 bits a byte, low ones first, bit 7 set on all but the last; at most ten bytes
 *             1  8 bytes, little-endian
 *             2  a length (varint) and as many bytes
 *             5  4 bytes, little-endian
 *             3, 4  groups: refused
 *
 * Nothing is read past `end`, which is the end of the innermost message; every step moves `pos` on, so no loop is endless.
 */
import { SparkplugError, type SparkplugReason } from './error.ts'
import type { Limits } from './limits.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export class Reader {
  readonly bytes: Buffer
  readonly limits: Limits
  pos = 0
  end: number
  /** Halves of the last varint, as signed 32-bit integers, which V8 keeps without allocating. */
  low = 0
  high = 0
  propertiesLeft: number
  elementsLeft: number
  private floats: DataView | undefined

  constructor(bytes: Uint8Array, limits: Limits) {
    if (bytes.length > limits.bytes) throw new SparkplugError('too-large', 0, `${bytes.length} bytes, at most ${limits.bytes}`)
    this.bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.end = bytes.length
    this.limits = limits
    this.propertiesLeft = limits.properties
    this.elementsLeft = limits.elements
  }

  fail(reason: SparkplugReason, detail: string, offset = this.pos): never {
    throw new SparkplugError(reason, offset, detail)
  }

  get view(): DataView {
    this.floats ??= new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length)
    return this.floats
  }

  /** Sets `low` and `high`; gives the value as an unsigned number, which is exact up to 2^53. */
  varint(): number {
    const { bytes, end } = this
    let at = this.pos
    if (at < end && bytes[at]! < 0x80) {
      this.pos = at + 1
      this.high = 0
      this.low = bytes[at]!
      return this.low
    }
    let low = 0
    let high = 0
    for (let shift = 0; ; shift += 7) {
      if (at >= end) this.fail('truncated', 'a varint runs past the end')
      const byte = bytes[at++]!
      const bits = byte & 0x7f
      if (shift < 28) low |= bits << shift
      else if (shift === 28) {
        low |= bits << 28
        high = bits >>> 4
      } else if (shift < 70) high |= bits << (shift - 32)
      else this.fail('bad-varint', 'a varint of more than ten bytes')
      if (byte < 0x80) break
    }
    this.pos = at
    this.low = low
    this.high = high
    return (high >>> 0) * 0x1_0000_0000 + (low >>> 0)
  }

  /** A field's number and wire type. */
  tag(): number {
    const at = this.pos
    if (at < this.end) {
      const byte = this.bytes[at]!
      if (byte < 0x80) {
        this.pos = at + 1
        if (byte < 8) this.fail('bad-field', 'field number 0', at)
        return byte
      }
    }
    const tag = this.varint()
    // Five bytes hold 32 bits: more is padding, which other readers refuse.
    if (tag < 8 || tag > 0xffff_ffff || this.pos - at > 5) this.fail('bad-field', `tag ${tag}`, at)
    return tag
  }

  /** A length that lies within the message. */
  length(): number {
    const at = this.pos
    const length = at < this.end && this.bytes[at]! < 0x80 ? this.bytes[this.pos++]! : this.varint()
    if (length > this.end - this.pos) this.fail('truncated', `${length} bytes announced, ${this.end - this.pos} left`, at)
    return length
  }

  /** Moves over a length-delimited field that is looked at later; `pos` is then its end. Gives its start. */
  range(): number {
    const length = this.length()
    const start = this.pos
    this.pos = start + length
    return start
  }

  float(): number {
    return this.view.getFloat32(this.take(4), true)
  }

  double(): number {
    return this.view.getFloat64(this.take(8), true)
  }

  skip(tag: number): void {
    const wireType = tag & 7
    if (wireType === 0) this.varint()
    else if (wireType === 1) this.take(8)
    else if (wireType === 2) this.range()
    else if (wireType === 5) this.take(4)
    else this.fail('bad-wire-type', `wire type ${wireType} of field ${tag >>> 3}`)
  }

  /** For a tag that no case took: a field number up to `known` then has the wrong wire type, a higher one is an extension. */
  skipUnknown(tag: number, known: number): void {
    if (tag >>> 3 <= known) this.fail('bad-wire-type', `wire type ${tag & 7} of field ${tag >>> 3}`)
    this.skip(tag)
  }

  text(start: number, end: number): string {
    this.checkLength(start, end)
    const { bytes } = this
    let at = start
    while (at < end && bytes[at]! < 0x80) at++
    if (at === end) return bytes.toString('latin1', start, end)
    try {
      return utf8.decode(bytes.subarray(start, end))
    } catch {
      return this.fail('bad-utf8', 'a string is not UTF-8', start)
    }
  }

  /** A copy, so that a small value does not keep a large payload in memory. */
  copy(start: number, end: number): Uint8Array {
    this.checkLength(start, end)
    return new Uint8Array(this.bytes.subarray(start, end))
  }

  checkLength(start: number, end: number): void {
    const most = this.limits.stringBytes
    if (end - start > most) this.fail('too-large', `${end - start} bytes, at most ${most}`, start)
  }

  takeElements(count: number, at: number): void {
    this.elementsLeft -= count
    if (this.elementsLeft < 0) this.fail('too-many', `array elements, at most ${this.limits.elements}`, at)
  }

  private take(count: number): number {
    const at = this.pos
    if (count > this.end - at) this.fail('truncated', `${count} bytes needed, ${this.end - at} left`)
    this.pos = at + count
    return at
  }
}
