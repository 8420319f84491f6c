/**
 * Plantower PMS series: laser counters of particles, 9600 8N1, about a frame a second in active mode, which is how they start.
 * Words are big-endian:
 *
 * | byte  | field                                                                                       |
 * |-------|---------------------------------------------------------------------------------------------|
 * | 0, 1  | `42 4D`                                                                                     |
 * | 2, 3  | bytes that follow: 28 (`pms5003`, also PMS7003, PMSA003; `pms5003t`), 20 (`pms3003`)        |
 * | 4-9   | PM1.0, PM2.5, PM10, ug/m3, as for the calibration particle ("CF=1")                         |
 * | 10-15 | PM1.0, PM2.5, PM10, ug/m3, under atmospheric environment                                    |
 * | 16-27 | `pms5003`: particles above 0.3, 0.5, 1.0, 2.5, 5.0, 10 um in 0.1 L; `pms5003t`: above 0.3 to |
 * |       | 2.5 um, then temperature (signed) and humidity in tenths                                    |
 * | last  | sum of all bytes before, 16 bits                                                            |
 *
 * `42 4D 00 1C 00 09 00 0D 00 0E 00 09 00 0D 00 0E 06 87 01 F3 00 4F 00 04 00 02 00 00 93 00 03 5C`: PM2.5 13, 1,671 particles.
 * Source: Plantower PMS5003 data manual V2.3 (a copy that says 26 bytes is wrong), PMS5003T V1.0, PMS3003 V2.5.
 */
import type { Channel } from '@millrace/contract'
import { ownValue } from '@millrace/platform'
import { z } from 'zod'
import type { DecoderPlugin, Sink } from '../decoder.ts'
import { createFramer } from '../framer.ts'

const schema = z.strictObject({
  model: z
    .enum(['pms5003', 'pms5003t', 'pms3003'])
    .default('pms5003')
    .describe(
      'Which frame: pms5003 is that of PMS7003 and PMSA003 too; pms5003t has temperature and humidity; pms3003 counts nothing',
    ),
})
type Config = z.infer<typeof schema>

const mass = (name: string): Channel => ({ name, kind: 'number', datatype: 'Int32', unit: 'ug/m3', intervalMs: 1000 })
const count = (name: string): Channel => ({ name, kind: 'number', datatype: 'Int32', unit: '/dL', intervalMs: 1000 })
const masses = ['pm1_cf1', 'pm2_5_cf1', 'pm10_cf1', 'pm1', 'pm2_5', 'pm10'].map(mass)
const counts = ['count_0_3', 'count_0_5', 'count_1', 'count_2_5'].map(count)
const tenths = { kind: 'number', scale: 0.1, intervalMs: 1000 } as const

/** The words from byte 4 on, in their order. */
const models: Record<Config['model'], { frameBytes: number; channels: Channel[] }> = {
  pms5003: { frameBytes: 32, channels: [...masses, ...counts, ...['count_5', 'count_10'].map(count)] },
  pms5003t: {
    frameBytes: 32,
    channels: [
      ...masses,
      ...counts,
      { name: 'temperature', datatype: 'Int16', unit: 'Cel', ...tenths },
      { name: 'humidity', datatype: 'Int32', unit: '%', ...tenths },
    ],
  },
  pms3003: { frameBytes: 24, channels: masses },
}

export const plantowerPms: DecoderPlugin<Config> = {
  kind: 'plantower-pms',
  schema,
  link: () => ({ baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 }),
  channels: ({ model }) => models[model].channels,
  create: ({ model }) => {
    const { frameBytes, channels } = models[model]
    return createFramer(
      (buffer, from, end) => match(buffer, { from, end }, frameBytes),
      (buffer, from, _length, _skipped, atMs, sink) => give(channels, buffer.subarray(from), atMs, sink),
      (stretch) => reasonOf(stretch, frameBytes),
    )
  },
  createEncoder: ({ model }) => {
    const { frameBytes, channels } = models[model]
    return ({ values }) => {
      const frame = Buffer.alloc(frameBytes)
      frame.writeUInt16BE(0x424d, 0)
      frame.writeUInt16BE(frameBytes - 4, 2)
      for (const [k, { name }] of channels.entries()) frame.writeUInt16BE(Number(ownValue(values, name) ?? 0) & 0xffff, 4 + 2 * k)
      frame.writeUInt16BE(sumOf(frame, 0, frameBytes - 2), frameBytes - 2)
      return frame
    }
  },
}

function give(channels: Channel[], frame: Uint8Array, atMs: number, sink: Sink): void {
  sink.frame()
  for (const [k, { name, datatype }] of channels.entries()) {
    const word = wordAt(frame, 4 + 2 * k)
    sink.reading(name, atMs, datatype === 'Int16' ? (word << 16) >> 16 : word)
  }
}

function wordAt(buffer: Uint8Array, at: number): number {
  return (buffer[at]! << 8) | buffer[at + 1]!
}

function sumOf(buffer: Uint8Array, from: number, to: number): number {
  let sum = 0
  for (let k = from; k < to; k++) sum += buffer[k]!
  return sum & 0xffff
}

function match(buffer: Uint8Array, { from, end }: { from: number; end: number }, frameBytes: number): number {
  const length = framed(buffer, { from, end }, frameBytes)
  const at = from + frameBytes - 2
  return length > 0 && sumOf(buffer, from, at) !== wordAt(buffer, at) ? -1 : length
}

/** All but the sum. */
function framed(buffer: Uint8Array, { from, end }: { from: number; end: number }, frameBytes: number): number {
  const head = [0x42, 0x4d, 0, frameBytes - 4]
  for (const [k, byte] of head.entries()) {
    if (from + k >= end) return 0
    if (buffer[from + k] !== byte) return -1
  }
  return end - from < frameBytes ? 0 : frameBytes
}

function reasonOf(stretch: Uint8Array, frameBytes: number): string {
  const from = Buffer.from(stretch).indexOf('BM')
  return from >= 0 && framed(stretch, { from, end: stretch.length }, frameBytes) > 0 ? 'checksum' : 'not-a-frame'
}
