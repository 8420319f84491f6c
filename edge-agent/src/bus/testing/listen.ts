/** A listener that writes down what a bus says, and waits for it. */
import type { BusListener } from '../bus.ts'

export interface Heard extends BusListener {
  /** `opened`, `lost:<reason>`, in order. */
  events: string[]
  lostSinceMs: number[]
  /** Of each loss. */
  details: string[]
  /** Of what was told, in order. */
  timesMs: number[]
  received(): Buffer
  until(what: string, isSo: () => boolean, withinMs?: number): Promise<void>
}

export function listen(): Heard {
  const events: string[] = []
  const lostSinceMs: number[] = []
  const details: string[] = []
  const timesMs: number[] = []
  const chunks: Uint8Array[] = []
  return {
    events,
    lostSinceMs,
    details,
    timesMs,
    opened(atMs) {
      events.push('opened')
      timesMs.push(atMs)
    },
    bytes(chunk, atMs) {
      chunks.push(Uint8Array.from(chunk))
      timesMs.push(atMs)
    },
    lost(sinceMs, reason, detail) {
      events.push(`lost:${reason}`)
      lostSinceMs.push(sinceMs)
      details.push(detail)
    },
    received: () => Buffer.concat(chunks),
    async until(what, isSo, withinMs = 5000) {
      const end = performance.now() + withinMs
      while (!isSo()) {
        if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}; heard ${events.join(', ')}`)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
  }
}
