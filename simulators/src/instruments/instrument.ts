/**
 * An instrument says what goes on the line, frame by frame, and what a decoder must read from each frame. It is pure: the
 * same seed and the same orders at the same frames give the same bytes, whenever and however fast they are asked for.
 *
 * A plug-in is a file `x.ts`; it adds one line to `index.ts`.
 */
import type { Channel, Value } from '@millrace/contract'
import type { z } from 'zod'
import type { Random } from '../signals/random.ts'

/** What one write puts on the line, and what a decoder must read from it. */
export interface Emission {
  bytes: Uint8Array
  /** Good frames inside: one, but for pieces of a raw capture. */
  frames: number
  /** Sequences of bytes that are not a frame: one for planted garbage. */
  bad: number
  /** Scalar readings, unscaled, in order. */
  readings: [channel: string, value: Value][]
  /** Waveform samples, unscaled, in order. */
  samples: [channel: string, value: number][]
}

/** What the story, or a command, tells an instrument to do. */
export type Order = { act: 'desaturate'; toPercent: number; durationS: number } | { act: 'probe-off' } | { act: 'probe-on' }

export interface Instrument {
  /** The decoder's kind and configuration; with these the agent reads the line. */
  kind: string
  config: unknown
  channels: Channel[]
  /** How often `next` is due, times a second. */
  rateHz: number
  /** A recording waits for its first reader; a device does not. */
  waits?: boolean
  /** The frames of the next moment; undefined at the end of a recording. */
  next(): Emission[] | undefined
  /** False where it cannot do that. */
  obey(order: Order): boolean
  /** As of its plug-in. */
  garbage(bytes: number): Uint8Array
}

export interface InstrumentOptions<Signal = unknown> {
  signal: Signal
  /** The decoder's configuration, already checked. */
  decoder: unknown
  seed: number
  device: string
  /** No two neighbouring values of a channel are equal, so that order can be proved. */
  distinct: boolean
}

export interface InstrumentPlugin<Signal = unknown> {
  /** The same as its decoder's. */
  kind: string
  /** Parameters of the signals; every key has a default. */
  schema: z.ZodType<Signal>
  /**
   * About so many bytes that are not, begin or continue a frame of its decoder: between two frames they harm neither, and
   * are one bad stretch.
   */
  garbage(random: Random, bytes: number): Uint8Array
  create(options: InstrumentOptions<Signal>): Instrument
}
