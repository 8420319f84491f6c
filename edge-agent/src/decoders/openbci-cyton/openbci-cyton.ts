/**
 * OpenBCI Cyton: eight channels of 24 bits for EEG, EMG or ECG, over its USB dongle (115200 8N1), 250 frames a second by
 * default. No checksum. 33 bytes:
 *
 * | byte  | field                                                                               |
 * |-------|-------------------------------------------------------------------------------------|
 * | 0     | `A0`                                                                                |
 * | 1     | sample number, 0 to 255, then 0 again                                               |
 * | 2-25  | 8 x int24, big-endian; one count is 4.5 V / gain / (2^23 - 1)                       |
 * | 26-31 | `C0`: 3 x int16, big-endian, accelerometer, 0.002/16 g a count; zero when not sampled |
 * | 32    | `C0` to `CF`: what bytes 26-31 are                                                  |
 *
 * Which bytes are a frame, and what a Daisy (eight channels more) changes: frames.ts. With one, each of the 16 inputs is sampled
 * half as often, 125 times a second by default, and the two boards half an interval apart.
 *
 * A jump of the sample number is lost frames: reported as `frames-lost:<n>`, and the sample clock leaves room for them.
 * Frames lost within a bad stretch were reported by that stretch.
 * A board that is another than the configured one is refused: its bytes are bad, with the remedy as the reason.
 * Source: docs.openbci.com, "Cyton Data Format".
 */
import type { Channel } from '@millrace/contract'
import { z } from 'zod'
import type { Decoder, DecoderPlugin, Frame, Sink } from '../decoder.ts'
import { createFramer, type Framer } from '../framer.ts'
import { createSampleClock, type SampleClock } from '../sample-clock.ts'
import { hasDaisy, wrongBoard } from './banner.ts'
import { Frames, frameBytes } from './frames.ts'

const channelSchema = z.strictObject({
  name: z.string().min(1).describe('Of the channel'),
  unit: z.string().optional().describe('UCUM; default uV'),
  scale: z.number().optional().describe('Default: microvolts at the gain'),
  offset: z.number().optional().describe('Added after scaling; default 0'),
  code: z.string().optional().describe('LOINC or MDC code'),
  range: z.tuple([z.number(), z.number()]).optional().describe('Lowest and highest value that the sensor can give'),
})

const schema = z
  .strictObject({
    board: z.enum(['cyton', 'cyton-daisy']).default('cyton').describe('With a Daisy, 16 inputs'),
    rateHz: z.number().positive().optional().describe('Samples a second, as the board is set; default 250, with a Daisy 125'),
    gain: z.number().positive().default(24).describe('Of the amplifier, for the scale'),
    channels: z
      .array(z.union([z.string().min(1), channelSchema]))
      .min(1)
      .max(16)
      .optional()
      .describe(
        'Names of the first inputs, or name with unit, scale, offset, code, range; inputs not named are not read; default ch1 to ch8, with a Daisy to ch16',
      ),
    accel: z.boolean().default(false).describe('Read the accelerometer as accel_x, accel_y, accel_z'),
  })
  .transform(({ board, rateHz, channels, ...rest }, context) => {
    const inputs = board === 'cyton' ? 8 : 16
    if (channels && channels.length > inputs)
      context.addIssue({ code: 'custom', path: ['channels'], message: `a ${board} has ${inputs} inputs` })
    const names = Array.from({ length: inputs }, (_, k) => `ch${k + 1}`)
    return { ...rest, board, rateHz: rateHz ?? (board === 'cyton' ? 250 : 125), channels: channels ?? names }
  })
type Config = z.infer<typeof schema>

const accelNames = ['accel_x', 'accel_y', 'accel_z']

export const openbciCyton: DecoderPlugin<Config> = {
  kind: 'openbci-cyton',
  schema,
  link: () => ({ baudRate: 115_200, dataBits: 8, parity: 'none', stopBits: 1 }),
  channels: channelsOf,
  create,
  createEncoder,
}

function channelsOf({ rateHz, gain, channels, accel }: Config): Channel[] {
  const intervalMs = 1000 / rateHz
  const inputs = channels.map((given): Channel => {
    const own = typeof given === 'string' ? { name: given } : given
    const microvolts = { unit: 'uV', scale: 4_500_000 / gain / (2 ** 23 - 1) }
    const scale = 'unit' in own && own.unit !== undefined ? { unit: own.unit } : microvolts
    return { kind: 'waveform', datatype: 'Int32Array', ...scale, ...own, intervalMs } as Channel
  })
  const axes = accelNames.map((name): Channel => ({ name, kind: 'number', datatype: 'Int16', unit: '[g]', scale: 0.002 / 16 }))
  return accel ? [...axes, ...inputs] : inputs
}

function create(config: Config): Decoder {
  return new CytonDecoder(config)
}

/** Ample. */
const bannerBytes = 400

class CytonDecoder implements Decoder {
  readonly #config: Config
  readonly #names: string[]
  readonly #clock: SampleClock
  readonly #frames: Frames
  readonly #framer: Framer
  /** Why this cannot be the configured board. */
  #wrong: string | undefined
  /** End of the last stretch: the banner may be cut in two. */
  #tail = ''
  /** `b` starts the stream. */
  readonly commands = { onOpen: Uint8Array.of(0x62) }

  constructor(config: Config) {
    this.#config = config
    this.#names = channelsOf({ ...config, accel: false }).map(({ name }) => name)
    // Alternating frames are half an interval of their inputs apart.
    this.#clock = createSampleClock(1000 / config.rateHz / (config.board === 'cyton' ? 1 : 2))
    this.#frames = new Frames(config.board)
    this.#framer = createFramer(
      (buffer, from, end, skipped) => (this.#wrong === undefined ? this.#frames.match(buffer, from, end, skipped) : -1),
      (buffer, from, length, skipped, atMs, sink) => this.#take({ buffer, from, length, skipped }, atMs, sink),
      (stretch) => this.#nameStretch(stretch),
    )
  }

  decode(bytes: Uint8Array, atMs: number, sink: Sink): void {
    this.#framer.decode(bytes, atMs, sink)
  }

  reset(): void {
    this.#framer.reset()
    this.#clock.reset()
    this.#frames.reset()
    this.#wrong = undefined
    this.#tail = ''
  }

  #nameStretch(stretch: Uint8Array): string {
    const text = this.#tail + Buffer.from(stretch).toString('latin1')
    this.#tail = text.slice(-bannerBytes)
    this.#wrong ??= wrongBoard(this.#config.board, text)
    return this.#wrong ?? 'not-a-frame'
  }

  #take({ buffer, from, length, skipped }: Found, atMs: number, sink: Sink): void {
    const lost = this.#frames.take(buffer, from, length, skipped)
    if (this.#wrong === undefined && this.#frames.isTwinned) this.#wrong = hasDaisy('it sends two frames of each number')
    if (this.#wrong !== undefined) return this.#refuse(buffer.slice(from, from + length), atMs, sink)
    const unreported = lost - Math.round(skipped / length)
    if (unreported > 0) sink.bad(atMs, `frames-lost:${unreported}`, new Uint8Array(0))
    sink.frame()
    const halves = length / frameBytes
    this.#giveInputs(buffer, from, this.#clock.next(atMs, lost * halves), sink)
    if (halves === 2) this.#giveInputs(buffer, from + frameBytes, this.#clock.next(atMs), sink, 8)
  }

  /** Told once: from here on nothing is a frame, until the line is opened again. */
  #refuse(frame: Uint8Array, atMs: number, sink: Sink): void {
    sink.bad(atMs, this.#wrong!, frame)
    sink.refuse?.(this.#wrong!)
  }

  #giveInputs(
    buffer: Uint8Array,
    from: number,
    exactMs: number,
    sink: Sink,
    first = this.#frames.firstInput(buffer, from),
  ): void {
    if (this.#config.accel && first === 0 && buffer[from + 32] === 0xc0) readAccel(buffer, from + 26, Math.round(exactMs), sink)
    const names = this.#names
    const end = Math.min(first + 8, names.length)
    for (let k = first, at = from + 2; k < end; k++, at += 3) sink.sample(names[k]!, exactMs, readInt24(buffer, at))
  }
}

interface Found {
  buffer: Uint8Array
  from: number
  length: number
  skipped: number
}

/** All zero when it was not sampled. */
function readAccel(buffer: Uint8Array, from: number, wholeMs: number, sink: Sink): void {
  if (buffer.subarray(from, from + 6).every((byte) => byte === 0)) return
  for (const [k, name] of accelNames.entries())
    sink.reading(name, wholeMs, ((buffer[from + 2 * k]! << 24) >> 16) | buffer[from + 2 * k + 1]!)
}

function readInt24(buffer: Uint8Array, from: number): number {
  return ((buffer[from]! << 24) >> 8) | (buffer[from + 1]! << 8) | buffer[from + 2]!
}

/** `extra.number` sets the sample number; else it counts. With a Daisy a pair of frames. */
function createEncoder(config: Config): (frame: Frame) => Uint8Array {
  const names = channelsOf({ ...config, accel: false }).map(({ name }) => name)
  const halves = config.board === 'cyton' ? 1 : 2
  let number = 0
  return ({ values, extra }) => {
    if (typeof extra?.number === 'number') number = extra.number
    const frames = Array.from({ length: halves }, (_, half) => {
      const inputs = names.slice(8 * half, 8 * half + 8).map((name) => Number(values[name] ?? 0))
      const axes = half === 0 ? accelNames.map((name) => Number(values[name] ?? 0)) : []
      return encodeFrame(number, inputs, axes)
    })
    number++
    return Buffer.concat(frames)
  }
}

function encodeFrame(number: number, inputs: number[], axes: number[]): Uint8Array {
  const frame = Buffer.alloc(frameBytes)
  frame[0] = 0xa0
  frame[1] = number & 0xff
  for (const [k, value] of inputs.entries()) frame.writeIntBE(value, 2 + 3 * k, 3)
  for (const [k, value] of axes.entries()) frame.writeInt16BE(value, 26 + 2 * k)
  frame[32] = 0xc0
  return frame
}
