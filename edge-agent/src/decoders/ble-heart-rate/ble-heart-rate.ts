/**
 * Heart rate sensors with Bluetooth Low Energy, behind a bridge on a serial line that passes on what the characteristic
 * Heart Rate Measurement (0x2A37) notifies. Words are little-endian:
 *
 * | byte   | bits | field                                                                              |
 * |--------|------|------------------------------------------------------------------------------------|
 * | 0      | 0    | the rate has 16 bits, else 8                                                       |
 * |        | 1, 2 | skin contact; the sensor can tell                                                  |
 * |        | 3, 4 | energy is there; R-R intervals are there. Bits 5 to 7 are 0                         |
 * | 1      |      | heart rate, /min                                                                   |
 * | then   |      | energy, kJ since its reset, 16 bits                                                |
 * | then   |      | R-R intervals, 1/1024 s, 16 bits each, the oldest first                            |
 *
 * The bridge, 115200 8N1 unless set, sends each value
 *
 *     lines     as hex and a line feed: `16 4D 16 03\r\n`, with or without spaces, after `prefix` if one is set
 *     packets   `AA`, number of bytes, the bytes, CRC-8/MAXIM-DOW of the number and the bytes: `AA 04 16 4D 16 03 ..`
 *
 * A line has no checksum but its shape: flags, length and hex digits must agree. R-R intervals end at arrival, the last one; those
 * before it lie that much earlier. Without skin contact nothing is read (`probe-off`).
 * Source: Bluetooth SIG, Heart Rate Service 1.0, section 3.1; GATT Specification Supplement, 3.113.
 */
import type { Channel } from '@millrace/contract'
import { ownValue } from '@millrace/platform'
import { z } from 'zod'
import { crc8Maxim, createCrc } from '../crc.ts'
import type { Decoder, DecoderPlugin, Frame, Sink } from '../decoder.ts'
import { createFramer } from '../framer.ts'
import { TextLines } from '../text-lines.ts'
import { isShaped, type Measurement, readMeasurement, writeMeasurement } from './measurement.ts'

const schema = z.strictObject({
  baudRate: z.int().positive().default(115_200).describe('Bits a second'),
  framing: z
    .enum(['lines', 'packets'])
    .default('lines')
    .describe('Hex and a line feed, or length, bytes and CRC; see the README'),
  prefix: z.string().max(64).default('').describe('Of lines: what stands before the hex; other lines are bad'),
})
type Config = z.infer<typeof schema>

const channels: Channel[] = [
  {
    name: 'heart_rate',
    kind: 'number',
    datatype: 'Int32',
    unit: '/min',
    range: [20, 300],
    code: 'loinc:8867-4',
    intervalMs: 1000,
  },
  { name: 'contact', kind: 'boolean', datatype: 'Boolean', unit: '1' },
  { name: 'energy', kind: 'number', datatype: 'Int32', unit: 'kJ', counter: { resets: true } },
  { name: 'rr', kind: 'number', datatype: 'Int32', unit: 's', scale: 1 / 1024, range: [0.2, 3] },
]

const start = 0xaa
const crcOf = createCrc(crc8Maxim)

export const bleHeartRate: DecoderPlugin<Config> = {
  kind: 'ble-heart-rate',
  schema,
  link: ({ baudRate }) => ({ baudRate, dataBits: 8, parity: 'none', stopBits: 1 }),
  channels: () => channels,
  create: (config) => new HeartRateDecoder(config),
  createEncoder: (config) => (frame) => encode(config, frame),
}

class HeartRateDecoder implements Decoder {
  readonly #framing: Pick<Decoder, 'decode' | 'reset'>
  #isOff = false
  /** End of the newest R-R interval. */
  #lastMs = Number.NEGATIVE_INFINITY

  constructor({ framing, prefix }: Config) {
    this.#framing =
      framing === 'lines'
        ? new TextLines(1024, (line, atMs, sink) => this.#readLine(line, prefix, atMs, sink))
        : createFramer(match, (buffer, from, length, _skipped, atMs, sink) =>
            this.#readPacket(buffer.subarray(from + 2, from + length - 1), atMs, sink),
          )
  }

  decode(bytes: Uint8Array, atMs: number, sink: Sink): void {
    this.#framing.decode(bytes, atMs, sink)
  }

  reset(): void {
    this.#framing.reset()
    this.#isOff = false
    this.#lastMs = Number.NEGATIVE_INFINITY
  }

  #readLine(line: string, prefix: string, atMs: number, sink: Sink): string | undefined {
    if (!line.startsWith(prefix)) return 'prefix'
    const text = line.slice(prefix.length).replace(/\s+/g, '')
    const value = /^(?:[0-9a-fA-F]{2})+$/.test(text) ? readMeasurement(Buffer.from(text, 'hex')) : undefined
    if (!value) return 'malformed'
    this.#take(value, atMs, sink)
    return undefined
  }

  #readPacket(value: Uint8Array, atMs: number, sink: Sink): void {
    this.#take(readMeasurement(value)!, atMs, sink)
  }

  #take({ heartRate, contact, energy, intervals }: Measurement, atMs: number, sink: Sink): void {
    sink.frame()
    const isOff = contact === false
    if (isOff && !this.#isOff) sink.absent('heart_rate', atMs, 'probe-off')
    if (isOff && !this.#isOff) sink.absent('rr', atMs, 'probe-off')
    this.#isOff = isOff
    if (!isOff) sink.reading('heart_rate', atMs, heartRate)
    if (contact !== undefined) sink.reading('contact', atMs, contact)
    if (energy !== undefined) sink.reading('energy', atMs, energy)
    if (!isOff) this.#giveIntervals(intervals, atMs, sink)
  }

  #giveIntervals(intervals: number[], atMs: number, sink: Sink): void {
    let laterMs = intervals.slice(1).reduce((sum, interval) => sum + interval, 0) * (1000 / 1024)
    for (const [k, interval] of intervals.entries()) {
      this.#lastMs = Math.min(atMs, Math.max(this.#lastMs, Math.round(atMs - laterMs)))
      sink.reading('rr', this.#lastMs, interval)
      laterMs -= (intervals[k + 1] ?? 0) * (1000 / 1024)
    }
  }
}

function match(buffer: Uint8Array, from: number, end: number): number {
  if (buffer[from] !== start) return -1
  if (end - from < 3) return 0
  const bytes = buffer[from + 1]!
  if (!isShaped(buffer[from + 2]!, bytes)) return -1
  if (end - from < bytes + 3) return 0
  const at = from + 2 + bytes
  return crcOf(buffer, from + 1, at) === buffer[at] ? bytes + 3 : -1
}

/** `extra.intervals` are several R-R intervals. */
function encode({ framing, prefix }: Config, { values, extra }: Frame): Uint8Array {
  const [rate, contact, energy, rr] = channels.map(({ name }) => ownValue(values, name))
  const intervals = (extra?.intervals as number[] | undefined) ?? (rr === undefined ? [] : [Number(rr)])
  const value = writeMeasurement({
    heartRate: Number(rate ?? 0),
    contact: contact as boolean | undefined,
    energy: energy as number | undefined,
    intervals,
  })
  if (framing === 'lines') return Buffer.from(`${prefix}${Buffer.from(value).toString('hex').toUpperCase()}\r\n`)
  const covered = Uint8Array.of(value.length, ...value)
  return Uint8Array.of(start, ...covered, crcOf(covered, 0, covered.length))
}
