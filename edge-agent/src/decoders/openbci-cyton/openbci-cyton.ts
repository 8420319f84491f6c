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
 * `A0` and `Cx` also occur as data. So a frame is taken at the start, where its sample number follows from the last one and
 * the bytes between, and else when the next frame follows it with the next number.
 *
 * A jump of the sample number is lost frames: reported as `frames-lost:<n>`, and the sample clock leaves room for them.
 * Frames lost within a bad stretch were reported by that stretch.
 * Source: docs.openbci.com, "Cyton Data Format".
 */
import type { Channel } from '@millrace/contract'
import { z } from 'zod'
import type { Decoder, DecoderPlugin, Frame, Sink } from '../decoder.ts'
import { createFramer } from '../framer.ts'
import { createSampleClock } from '../sample-clock.ts'

const channelSchema = z.object({
  name: z.string().min(1).describe('Of the channel'),
  unit: z.string().optional().describe('UCUM; default uV'),
  scale: z.number().optional().describe('Default: microvolts at the gain'),
  offset: z.number().optional().describe('Added after scaling; default 0'),
  code: z.string().optional().describe('LOINC or MDC code'),
  range: z.tuple([z.number(), z.number()]).optional().describe('Lowest and highest value that the sensor can give'),
})

const schema = z.object({
  rateHz: z.number().positive().default(250).describe('Samples a second, as the board is set'),
  gain: z.number().positive().default(24).describe('Of the amplifier, for the scale'),
  channels: z
    .array(z.union([z.string().min(1), channelSchema]))
    .min(1)
    .max(8)
    .default(['ch1', 'ch2', 'ch3', 'ch4', 'ch5', 'ch6', 'ch7', 'ch8'])
    .describe('Names of the first inputs, or name with unit, scale, offset, code, range; inputs not named are not read'),
  accel: z.boolean().default(false).describe('Read the accelerometer as accel_x, accel_y, accel_z'),
})
type Config = z.infer<typeof schema>

const frameBytes = 33
const start = 0xa0
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
  const names = channelsOf({ ...config, accel: false }).map(({ name }) => name)
  const clock = createSampleClock(1000 / config.rateHz)
  let number = -1

  function match(buffer: Uint8Array, from: number, end: number, skipped: number): number {
    if (buffer[from] !== start) return -1
    if (end - from < frameBytes) return 0
    if (!hasFrame(buffer, from)) return -1
    if (follows(buffer[from + 1]!, skipped)) return frameBytes
    if (end - from < 2 * frameBytes) return 0
    const next = from + frameBytes
    return hasFrame(buffer, next) && distance(buffer[from + 1]!, buffer[next + 1]!) === 1 ? frameBytes : -1
  }

  /** Whether this sample number fits the bytes skipped since the last frame, a few frames more or less. */
  function follows(found: number, skipped: number): boolean {
    if (number < 0) return skipped === 0
    return lostBefore(found) <= (skipped === 0 ? 16 : skipped / frameBytes + 3)
  }

  function lostBefore(found: number): number {
    return (distance(number, found) + 255) % 256
  }

  function onFrame(buffer: Uint8Array, from: number, _length: number, skipped: number, atMs: number, sink: Sink): void {
    const found = buffer[from + 1]!
    const lost = number < 0 ? 0 : lostBefore(found)
    number = found
    const unreported = lost - Math.round(skipped / frameBytes)
    if (unreported > 0) sink.bad(atMs, `frames-lost:${unreported}`, new Uint8Array(0))
    sink.frame()
    const exactMs = clock.next(atMs, lost)
    if (config.accel && buffer[from + 32] === 0xc0) readAccel(buffer, from + 26, Math.round(exactMs), sink)
    for (let k = 0; k < names.length; k++) sink.sample(names[k]!, exactMs, readInt24(buffer, from + 2 + 3 * k))
  }

  function readAccel(buffer: Uint8Array, from: number, wholeMs: number, sink: Sink): void {
    if (buffer.subarray(from, from + 6).every((byte) => byte === 0)) return
    for (const [k, name] of accelNames.entries())
      sink.reading(name, wholeMs, ((buffer[from + 2 * k]! << 24) >> 16) | buffer[from + 2 * k + 1]!)
  }

  const framer = createFramer(match, onFrame)
  return {
    decode: framer.decode,
    reset() {
      framer.reset()
      clock.reset()
      number = -1
    },
    // `b` starts the stream.
    commands: { onOpen: Uint8Array.of(0x62) },
  }
}

function hasFrame(buffer: Uint8Array, from: number): boolean {
  return buffer[from] === start && (buffer[from + frameBytes - 1]! & 0xf0) === 0xc0
}

function distance(from: number, to: number): number {
  return (to - from + 256) % 256
}

function readInt24(buffer: Uint8Array, from: number): number {
  return ((buffer[from]! << 24) >> 8) | (buffer[from + 1]! << 8) | buffer[from + 2]!
}

/** `extra.number` sets the sample number; else it counts. */
function createEncoder(config: Config): (frame: Frame) => Uint8Array {
  const names = channelsOf({ ...config, accel: false }).map(({ name }) => name)
  let number = 0
  return ({ values, extra }) => {
    const frame = Buffer.alloc(frameBytes)
    if (typeof extra?.number === 'number') number = extra.number
    frame[0] = start
    frame[1] = number++ & 0xff
    for (const [k, name] of names.entries()) frame.writeIntBE(Number(values[name] ?? 0), 2 + 3 * k, 3)
    for (const [k, name] of accelNames.entries()) frame.writeInt16BE(Number(values[name] ?? 0), 26 + 2 * k)
    frame[32] = 0xc0
    return frame
  }
}
