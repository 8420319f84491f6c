/**
 * Lines of text that end with a line feed. A line that is not usable is bad as a whole, with its end, once, with its first fault:
 * `too-long`, `not-text` (not UTF-8, or control characters), or what its reader says. Empty lines are nothing.
 *
 * What cannot become a line and grows old is bad without an end, which at a wrong baud rate may never come.
 */
import type { Sink } from './decoder.ts'
import { stretchBytesMax, stretchMsMax } from './framer.ts'

const [lineFeed, carriageReturn] = [0x0a, 0x0d]
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** `isFirst`: it may be the rest of a line that began before the line was opened. Gives what is wrong with it. */
type OnLine = (line: string, atMs: number, sink: Sink, isFirst: boolean) => string | undefined

export class TextLines {
  readonly #lineBytesMax: number
  readonly #onLine: OnLine
  readonly #line = new Uint8Array(stretchBytesMax)
  #length = 0
  #startMs = 0
  /** Once an arrival, so that it does not matter how its bytes are cut. */
  #lookedMs = Number.NaN
  #isFirst = true
  /** The line was so long that its start is reported already. */
  #isOverflown = false

  constructor(lineBytesMax: number, onLine: OnLine) {
    this.#lineBytesMax = lineBytesMax
    this.#onLine = onLine
  }

  decode(bytes: Uint8Array, atMs: number, sink: Sink): void {
    if (bytes.length === 0) return
    if (atMs !== this.#lookedMs) this.#dropOld(atMs, sink)
    this.#lookedMs = atMs
    for (const byte of bytes) {
      if (this.#length === 0) this.#startMs = atMs
      this.#line[this.#length++] = byte
      if (byte === lineFeed) this.#end(atMs, sink)
      else if (this.#length === stretchBytesMax) this.#overflow(atMs, sink)
    }
  }

  reset(): void {
    this.#length = 0
    this.#isOverflown = false
    this.#isFirst = true
  }

  #end(atMs: number, sink: Sink): void {
    const whole = this.#line.subarray(0, this.#length)
    const end = whole.at(-2) === carriageReturn ? whole.length - 2 : whole.length - 1
    if (end > 0 || this.#isOverflown) {
      const fault = this.#faultOf(whole.subarray(0, end), atMs, sink)
      if (fault !== undefined) sink.bad(atMs, fault, whole.slice())
    }
    this.#length = 0
    this.#isOverflown = this.#isFirst = false
  }

  #faultOf(bytes: Uint8Array, atMs: number, sink: Sink): string | undefined {
    if (this.#isOverflown || bytes.length > this.#lineBytesMax) return 'too-long'
    const line = textOf(bytes)
    return line === undefined ? 'not-text' : this.#onLine(line, atMs, sink, this.#isFirst)
  }

  #overflow(atMs: number, sink: Sink): void {
    sink.bad(atMs, 'too-long', this.#line.slice())
    this.#length = 0
    this.#isOverflown = true
  }

  /** A line may come in pieces: only what is not text is dropped. */
  #dropOld(atMs: number, sink: Sink): void {
    if (this.#length === 0 || atMs - this.#startMs < stretchMsMax) return
    const piece = this.#line.slice(0, this.#length)
    if (!piece.some((byte) => byte < 0x09 || (byte > 0x0d && byte < 0x20) || byte === 0x7f || byte > 0xf4)) return
    sink.bad(this.#startMs, 'not-text', piece)
    this.#length = 0
  }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = utf8.decode(bytes)
    return /^[^\x00-\x08\x0a-\x1f\x7f]*$/.test(text) ? text : undefined
  } catch {
    return undefined
  }
}
