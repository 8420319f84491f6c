/**
 * Finds frames in a byte stream, the same however the stream is cut. What lies between frames is a *bad stretch*: reported
 * once, when the next good frame ends it, or when it has grown to `stretchBytesMax` or, as the next bytes come, to the age of
 * `stretchMsMax` (what follows is the next stretch).
 *
 * Invariant: every byte given is in exactly one frame, one bad stretch, or the half frame still waiting.
 */
import type { Sink } from './decoder.ts'

/** A longer bad stretch is reported in pieces of this size. */
export const stretchBytesMax = 4096
/** Older, it is reported as the next bytes come. */
export const stretchMsMax = 1500

/**
 * Length of the frame that starts at `from`; 0: more bytes are needed to tell; -1: no frame starts here. A pure function of
 * the bytes from `from` on and of `skipped`, the number of bytes since the end of the last frame that were in none.
 */
export type Match = (buffer: Uint8Array, from: number, end: number, skipped: number) => number

export interface Framer {
  decode(bytes: Uint8Array, atMs: number, sink: Sink): void
  /** Forgets the half frame. A bad stretch is kept, to be reported. */
  reset(): void
}

export function createFramer(
  match: Match,
  onFrame: (buffer: Uint8Array, from: number, length: number, skipped: number, atMs: number, sink: Sink) => void,
  reasonOf: (stretch: Uint8Array) => string = () => 'not-a-frame',
): Framer {
  let half: Uint8Array = new Uint8Array(0)
  let skipped = 0
  let stretchAtMs = 0
  let stretchLength = 0
  const stretch = new Uint8Array(stretchBytesMax)

  function skip(byte: number, atMs: number, sink: Sink): void {
    if (stretchLength === 0) stretchAtMs = atMs
    stretch[stretchLength++] = byte
    skipped++
    if (stretchLength === stretchBytesMax) report(sink)
  }

  function report(sink: Sink): void {
    if (stretchLength > 0) {
      const bytes = stretch.slice(0, stretchLength)
      sink.bad(stretchAtMs, reasonOf(bytes), bytes)
    }
    stretchLength = 0
  }

  return {
    decode(bytes, atMs, sink) {
      if (bytes.length > 0 && stretchLength > 0 && atMs - stretchAtMs >= stretchMsMax) report(sink)
      const buffer = half.length === 0 ? bytes : Buffer.concat([half, bytes])
      let from = 0
      while (from < buffer.length) {
        const length = match(buffer, from, buffer.length, skipped)
        if (length === 0) break
        if (length < 0) skip(buffer[from++]!, atMs, sink)
        else {
          report(sink)
          onFrame(buffer, from, length, skipped, atMs, sink)
          skipped = 0
          from += length
        }
      }
      half = buffer.slice(from)
    },
    reset() {
      if (stretchLength === 0) skipped = 0
      half = new Uint8Array(0)
    },
  }
}
