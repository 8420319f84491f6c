/**
 * Bad frames and refused readings, on their way to the rejected topic, at most `max` and one: what comes after is merged into
 * a last entry, `merged:<how many>`, whose bytes are the sum and whose hex is that of the first of them.
 */
import type { BadFrame } from '@millrace/contract'

const hexBytesMax = 256

export interface BadFrames {
  add(atMs: number, reason: string, bytes: Uint8Array): void
  take(): BadFrame[]
}

export function createBadFrames(max: number): BadFrames {
  let frames: BadFrame[] = []
  let merged = 0

  return {
    add(atMs, reason, bytes) {
      if (frames.length > max) {
        const last = frames[max]!
        last.bytes += bytes.length
        last.reason = `merged:${++merged}`
        return
      }
      merged = frames.length === max ? 1 : 0
      const hex = Buffer.from(bytes.subarray(0, hexBytesMax)).toString('hex')
      frames.push({ atMs: Math.round(atMs), reason: merged ? 'merged:1' : reason, hex, bytes: bytes.length })
    },
    take() {
      const taken = frames
      frames = []
      return taken
    },
  }
}
