/**
 * Cuts a byte stream into control packets. Packets that lie whole in a chunk are checked where they lie and passed on as one
 * run, uncopied; only a packet cut by the end of a chunk is copied, once, into a buffer of its own length. So a connection
 * holds at most one packet, whose size was checked at its header.
 */
import type { Refusal } from '../refusals.ts'

export interface FrameChecks {
  /** Called when the header is known. */
  header(first: number, remaining: number, total: number): Refusal | undefined
  /** Called with each whole packet: `bytes[start..end)`, body at `body`. */
  packet(bytes: Buffer, start: number, body: number, end: number): Refusal | undefined
  /** Whole, checked packets. */
  pass(run: Buffer): void
  /** True when nothing more is to be taken for now; asked after each packet. */
  enough(): boolean
}

const headerBytesMax = 5

export class Framer {
  readonly #checks: FrameChecks
  readonly #header = Buffer.alloc(headerBytesMax)
  #headerBytes = 0
  /** The packet that is being collected, once its header is known. */
  #packet: Buffer | undefined
  #collected = 0
  /** Of the header read last. */
  #body = 0
  #end = 0

  constructor(checks: FrameChecks) {
    this.#checks = checks
  }

  /** Takes packets from the chunk and returns how many bytes it took: all, unless `enough` stopped it; or the refusal. */
  take(chunk: Buffer): number | Refusal {
    let at = 0
    while (this.#headerBytes > 0 || this.#packet) {
      const taken = this.#collect(chunk, at)
      if (typeof taken === 'string') return taken
      at = taken
      if (this.#checks.enough() || at === chunk.length) return at
    }
    return this.#takeRun(chunk, at)
  }

  /** Packets that lie whole in the chunk, then the beginning of the one that does not. */
  #takeRun(chunk: Buffer, start: number): number | Refusal {
    let at = start
    while (at < chunk.length && !(at > start && this.#checks.enough())) {
      const header = this.#readHeader(chunk, at)
      if (header !== undefined && header !== 'more') return header
      if (header === 'more' || this.#end > chunk.length) {
        this.#pass(chunk, start, at)
        return this.#hold(chunk, at, header !== 'more')
      }
      const refusal = this.#checks.packet(chunk, at, this.#body, this.#end)
      if (refusal) return refusal
      at = this.#end
    }
    this.#pass(chunk, start, at)
    return at
  }

  #pass(chunk: Buffer, start: number, end: number): void {
    if (end > start) this.#checks.pass(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end))
  }

  /** Decodes the remaining length (section 2.2.3) and has the header checked. */
  #readHeader(bytes: Buffer, at: number, end = bytes.length): Refusal | 'more' | undefined {
    let remaining = 0
    for (let i = 0; i < 4; i++) {
      if (at + 1 + i >= end) return 'more'
      const byte = bytes[at + 1 + i]!
      remaining += (byte & 0x7f) * 128 ** i
      if (byte < 0x80) {
        this.#body = at + 2 + i
        this.#end = this.#body + remaining
        return this.#checks.header(bytes[at]!, remaining, 2 + i + remaining)
      }
    }
    return 'remaining-length'
  }

  #hold(chunk: Buffer, at: number, headerKnown: boolean): number {
    if (headerKnown) {
      this.#packet = Buffer.allocUnsafeSlow(this.#end - at)
      this.#body -= at
      this.#collected = chunk.copy(this.#packet, 0, at)
    } else {
      this.#headerBytes = chunk.copy(this.#header, 0, at)
    }
    return chunk.length
  }

  /** Goes on with the packet that an earlier chunk began; returns where in the chunk it stopped. */
  #collect(chunk: Buffer, from: number): number | Refusal {
    let at = from
    while (!this.#packet) {
      if (at === chunk.length) return at
      this.#header[this.#headerBytes++] = chunk[at++]!
      const header = this.#readHeader(this.#header, 0, this.#headerBytes)
      if (header === 'more') continue
      if (header) return header
      this.#packet = Buffer.allocUnsafeSlow(this.#end)
      this.#collected = this.#header.copy(this.#packet, 0, 0, this.#headerBytes)
    }
    this.#headerBytes = 0
    const copied = chunk.copy(this.#packet, this.#collected, at)
    this.#collected += copied
    return this.#collected < this.#packet.length ? at + copied : (this.#finish() ?? at + copied)
  }

  #finish(): Refusal | undefined {
    const packet = this.#packet!
    this.#packet = undefined
    const refusal = this.#checks.packet(packet, 0, this.#body, packet.length)
    if (!refusal) this.#checks.pass(packet)
    return refusal
  }
}
