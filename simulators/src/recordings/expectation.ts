/** What a decoder reads from recorded bytes: the expected values of a replay, by the decoder's own rule. */
import { decoderOf } from '../instruments/decoder-of.ts'
import type { Emission } from '../instruments/instrument.ts'

/** A function that says what each piece, given in order, completes. Half frames are carried from piece to piece. */
export function createExpectation(kind: string, config: unknown): (bytes: Uint8Array) => Emission {
  const decoder = decoderOf(kind).create(config)
  let atMs = 0
  return (bytes) => {
    const emission: Emission = { bytes, frames: 0, bad: 0, readings: [], samples: [] }
    // Far apart, so that no rule about times that repeat takes a reading away.
    atMs += 1000
    decoder.decode(bytes, atMs, {
      frame: () => void emission.frames++,
      reading: (channel, _, value) => void emission.readings.push([channel, value]),
      sample: (channel, _, value) => void emission.samples.push([channel, value]),
      absent() {},
      bad: () => void emission.bad++,
    })
    return emission
  }
}
