/**
 * The line between an instrument and its reader. A real UART sends whether or not there is a reader, and loses what finds
 * no room. So does this one, but whole frames at a time, and it knows which. At most one begun frame is held back.
 */
import type { Emission } from './instruments/instrument.ts'
import type { Port } from './ports/index.ts'

export type LineState = 'open' | 'unread' | 'unplugged'

export interface LineListener {
  /** The last byte of this frame is on the line. */
  sent(emission: Emission): void
  /** The reader went when this frame was half sent; its rest will not follow. */
  torn(emission: Emission): void
}

/**
 * A reader that opens a serial port discards what it holds, some milliseconds later. If that were half of what we just wrote,
 * the other half would be garbage that nobody planted.
 */
const settleMs = 250

interface Part {
  emission: Emission
  rest: Uint8Array
}

export class Line {
  readonly #port: Port
  readonly #listener: LineListener
  #isPlugged = false
  /** The frame that is half on the line. */
  #begun: Part | undefined
  #readSinceMs = Number.POSITIVE_INFINITY

  constructor(port: Port, listener: LineListener) {
    this.#port = port
    this.#listener = listener
  }

  /** Checks whether a reader has the port open at `nowMs`. */
  look(nowMs: number): LineState {
    if (!this.#isPlugged || !this.#port.hasReader()) this.#readSinceMs = Number.POSITIVE_INFINITY
    else this.#readSinceMs = Math.min(this.#readSinceMs, nowMs)
    const state = !this.#isPlugged ? 'unplugged' : nowMs - this.#readSinceMs >= settleMs ? 'open' : 'unread'
    // The next reader must not find the second half of a frame.
    if (state !== 'open') this.#tear()
    return state
  }

  /** Sends frames, in order, as long as there is room; returns how many it took. Call `look` before. */
  send(emissions: Emission[]): number {
    const parts: Part[] = emissions.map((emission) => ({ emission, rest: emission.bytes }))
    const held = this.#begun
    if (held) parts.unshift(held)
    let room = this.#port.write(Buffer.concat(parts.map((part) => part.rest)))
    let done = 0
    while (done < parts.length && room >= parts[done]!.rest.length) {
      room -= parts[done]!.rest.length
      this.#listener.sent(parts[done++]!.emission)
    }
    const next = parts[done]
    this.#begun = next && (next === held || room > 0) ? { ...next, rest: next.rest.subarray(room) } : undefined
    return done + (this.#begun ? 1 : 0) - (held ? 1 : 0)
  }

  async plug(): Promise<void> {
    await this.#port.plug()
    this.#isPlugged = true
    this.#readSinceMs = Number.POSITIVE_INFINITY
  }

  unplug(): void {
    this.#isPlugged = false
    this.#tear()
    this.#port.unplug()
  }

  #tear(): void {
    const part = this.#begun
    this.#begun = undefined
    if (part) this.#listener.torn(part.emission)
  }
}
