/**
 * A decoder turns the bytes of one device into readings. It is pure: bytes and a time in, calls on the sink out; the same
 * bytes at the same times give the same calls however the bytes are cut into chunks.
 *
 * A plug-in is a folder `x/` with `x.ts`, `x.test.ts`, `README.md` and `cases/*.json`; it adds one line to `index.ts`.
 * `conformance.ts` is the contract as a test suite.
 */
import type { AbsenceReason, Channel, Quality, Value } from '@millrace/contract'
import type { z } from 'zod'

/**
 * Where a decoder puts what it finds. Channel names are those that `channels` declared. Values are the device's own integers.
 * Times may be equal: the sink gives each reading of a channel a time of its own.
 */
export interface Sink {
  /** A good frame was read. Called once a frame, before its readings. */
  frame(): void
  reading(channel: string, atMs: number, value: Value, quality?: Quality): void
  /** One waveform sample; the sink joins neighbours into segments. `atMs` is the sample clock's time and may have a fraction. */
  sample(channel: string, atMs: number, value: number): void
  /** The device says that it has no value. `*` is every channel. Called at the change, not at every frame. */
  absent(channel: string, atMs: number, reason: AbsenceReason): void
  /** One contiguous stretch of bytes that is not a frame, with the reason. Called once a stretch. */
  bad(atMs: number, reason: string, bytes: Uint8Array): void
  /** The configuration cannot be right for this device: what shows it, and what to set. Called once; what follows is bad. */
  refuse?(why: string): void
}

export interface Decoder {
  /** `atMs` is when the chunk arrived, epoch ms. */
  decode(bytes: Uint8Array, atMs: number, sink: Sink): void
  /** Forgets a half frame and the sample clock; after an unplug, a stall or a discarded buffer. */
  reset(): void
  /** A device that answers only when it is asked. */
  poll?: Poll
  /** Bytes to send to the device when its port opens, and then every `intervalMs`, if it wants any. */
  commands?: { onOpen?: Uint8Array; keepAlive?: { bytes: Uint8Array; intervalMs: number } }
}

export interface Poll {
  /** How often `next` is called while the line is open. */
  everyMs: number
  /** What to send now, if anything. A missing answer is told to the sink here, since no bytes tell it. */
  next(nowMs: number, sink: Sink): Uint8Array | undefined
}

/** A frame's worth of values to encode, by channel. What a decoder needs beyond values is in `extra`. */
export type Frame = { values: Record<string, Value>; extra?: Record<string, unknown> }

export interface DecoderPlugin<Config = unknown> {
  kind: string
  schema: z.ZodType<Config>
  /** Link settings that the instrument uses, for a bus that has some. */
  link: (config: Config) => { baudRate: number; dataBits: 7 | 8; parity: 'none' | 'even' | 'odd'; stopBits: 1 | 2 }
  channels(config: Config): Channel[]
  create(config: Config): Decoder
  /** Why these bytes, which begin where a frame was expected, do not make one: for people. */
  explain?(config: Config, bytes: Uint8Array): string | undefined
  /** The inverse of decode, used by the simulators: the bytes of one frame. */
  createEncoder(config: Config): (frame: Frame) => Uint8Array
}
