/** A listener that writes down what a bus says, and waits for it. */
import type { BusListener } from './bus.ts'

export interface Heard extends BusListener {
  /** `opened`, `lost:<reason>`, in order. */
  events: string[]
  lostSinceMs: number[]
  received(): Buffer
  until(what: string, isSo: () => boolean, withinMs?: number): Promise<void>
}

export function listen(): Heard {
  const events: string[] = []
  const lostSinceMs: number[] = []
  const chunks: Uint8Array[] = []
  return {
    events,
    lostSinceMs,
    opened: () => void events.push('opened'),
    bytes: (chunk) => void chunks.push(Uint8Array.from(chunk)),
    lost(sinceMs, reason) {
      events.push(`lost:${reason}`)
      lostSinceMs.push(sinceMs)
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
