/** A sink that writes down its calls, for the conformance suite. */
import type { Value } from '@millrace/contract'
import type { Sink } from './decoder.ts'

/** `["frame"]`, `["reading", channel, atMs, value, quality?]`, `["sample", channel, atMs, value]`, `["absent", channel, atMs, reason]`, `["bad", atMs, reason, hex]`, `["refuse", why]`. */
export type Call = (Value | undefined)[]

/** Times are written down relative to this epoch. */
export const epochMs = 1_790_000_000_000

export function recorder(): { sink: Sink; calls: Call[] } {
  const calls: Call[] = []
  const relative = (atMs: number) => Math.round((atMs - epochMs) * 1000) / 1000
  const sink: Sink = {
    frame: () => void calls.push(['frame']),
    reading: (channel, atMs, value, quality) =>
      void calls.push(['reading', channel, relative(atMs), value, ...(quality ? [quality] : [])]),
    sample: (channel, atMs, value) => void calls.push(['sample', channel, relative(atMs), value]),
    absent: (channel, atMs, reason) => void calls.push(['absent', channel, relative(atMs), reason]),
    refuse: (why) => void calls.push(['refuse', why]),
    bad: (atMs, reason, bytes) => void calls.push(['bad', relative(atMs), reason, Buffer.from(bytes).toString('hex')]),
  }
  return { sink, calls }
}
