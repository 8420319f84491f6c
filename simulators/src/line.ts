/**
 * The line between an instrument and its reader. A real UART sends on whether or not somebody listens, and loses what finds
 * no room: so does this one, but whole frames at a time, and it knows which. At most one begun frame is held back.
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

export interface Line {
  /** Looks whether somebody reads. Give it the time, in ms. */
  look(nowMs: number): LineState
  /** Sends frames, in order, as long as there is room; returns how many it took. Call `look` before. */
  send(emissions: Emission[]): number
  plug(): Promise<void>
  unplug(): void
}

/**
 * A reader that opens a serial port throws away what it holds, some ms after; were that half of what we just wrote, the other
 * half would be garbage that nobody planted.
 */
const settleMs = 250

interface Part {
  emission: Emission
  rest: Uint8Array
}

export function createLine(port: Port, listener: LineListener): Line {
  let plugged = false
  let begun: Part | undefined
  let readSinceMs = Number.POSITIVE_INFINITY
  const tear = () => {
    const part = begun
    begun = undefined
    if (part) listener.torn(part.emission)
  }
  return {
    look(nowMs) {
      if (!plugged || !port.hasReader()) readSinceMs = Number.POSITIVE_INFINITY
      else readSinceMs = Math.min(readSinceMs, nowMs)
      const state = !plugged ? 'unplugged' : nowMs - readSinceMs >= settleMs ? 'open' : 'unread'
      // The next reader shall not find the second half of a frame.
      if (state !== 'open') tear()
      return state
    },
    send(emissions) {
      const parts: Part[] = emissions.map((emission) => ({ emission, rest: emission.bytes }))
      const held = begun
      if (held) parts.unshift(held)
      let room = port.write(Buffer.concat(parts.map((part) => part.rest)))
      let done = 0
      while (done < parts.length && room >= parts[done]!.rest.length) {
        room -= parts[done]!.rest.length
        listener.sent(parts[done++]!.emission)
      }
      const next = parts[done]
      begun = next && (next === held || room > 0) ? { ...next, rest: next.rest.subarray(room) } : undefined
      return done + (begun ? 1 : 0) - (held ? 1 : 0)
    },
    async plug() {
      await port.plug()
      plugged = true
      readSinceMs = Number.POSITIVE_INFINITY
    },
    unplug() {
      plugged = false
      tear()
      port.unplug()
    },
  }
}
