/**
 * Zephyr HxM BT: a chest strap over a Bluetooth serial port, 115200 8N1, one packet a second. Not the HxM Smart, which is Bluetooth
 * Low Energy. Numbers are little-endian, 60 bytes:
 *
 * | byte   | field                                                                                  |
 * |--------|----------------------------------------------------------------------------------------|
 * | 0-2    | `02 26 37`: STX, message id, 55 bytes of payload                                       |
 * | 3-10   | firmware and hardware: ids and versions                                                |
 * | 11     | battery, %                                                                             |
 * | 12     | heart rate, /min; 0: no heart beat found                                               |
 * | 13     | number of the newest beat, 0 to 255, then 0 again                                      |
 * | 14, 15 | time of the newest beat, ms of 16 bits; the 14 words behind it are of the beats before |
 * | 44-49  | reserved                                                                               |
 * | 50, 51 | distance, 1/16 m, 0 to 4095 and then 0 again                                           |
 * | 52, 53 | speed, 1/256 m/s                                                                       |
 * | 54     | strides, 0 to 127 and then 0 again                                                     |
 * | 56, 57 | cadence, 1/16 strides a minute                                                         |
 * | 58     | CRC-8/MAXIM-DOW of bytes 3 to 57                                                       |
 * | 59     | `03`: ETX                                                                              |
 *
 * Sources: "Bluetooth HxM API Guide" (Zephyr, 2010) as described in the wiki of hrv-monitor, ZephyrProtocol; cadence, which that
 * guide calls reserved, as Google's My Tracks reads it.
 */
import type { Channel } from '@millrace/contract'
import { ownValue } from '@millrace/platform'
import { z } from 'zod'
import { crc8Maxim, createCrc } from '../crc.ts'
import type { Decoder, DecoderPlugin, Frame, Sink } from '../decoder.ts'
import { createFramer } from '../framer.ts'

const schema = z.strictObject({})
const frameBytes = 60
const head = [0x02, 0x26, 0x37]
const crcOf = createCrc(crc8Maxim)

const byte = { kind: 'number', datatype: 'Int16', intervalMs: 1000 } as const
const word = { kind: 'number', datatype: 'Int32', intervalMs: 1000 } as const
const channels: Channel[] = [
  { name: 'battery', ...byte, unit: '%', range: [0, 100] },
  { name: 'heart_rate', ...byte, unit: '/min', range: [30, 240], code: 'loinc:8867-4' },
  { name: 'beat_number', ...byte, unit: '1', counter: { modulus: 256, resets: true } },
  { name: 'beat_time', ...word, unit: 'ms' },
  { name: 'distance', ...word, unit: 'm', scale: 1 / 16, counter: { modulus: 256, resets: true } },
  { name: 'speed', ...word, unit: 'm/s', scale: 1 / 256 },
  { name: 'strides', ...byte, unit: '1', counter: { modulus: 128, resets: true } },
  { name: 'cadence', ...word, unit: '/min', scale: 1 / 16 },
]
const places = [11, 12, 13, 14, 50, 52, 54, 56]

export const zephyrHxm: DecoderPlugin<z.infer<typeof schema>> = {
  kind: 'zephyr-hxm',
  schema,
  link: () => ({ baudRate: 115_200, dataBits: 8, parity: 'none', stopBits: 1 }),
  channels: () => channels,
  create,
  createEncoder: () => encode,
}

function create(): Decoder {
  let isSearching = false

  function onFrame(buffer: Uint8Array, from: number, atMs: number, sink: Sink): void {
    sink.frame()
    for (const [k, { name, datatype }] of channels.entries()) {
      const at = from + places[k]!
      const value = datatype === 'Int32' ? buffer[at]! | (buffer[at + 1]! << 8) : buffer[at]!
      if (name !== 'heart_rate' || value !== 0) sink.reading(name, atMs, value)
      else if (!isSearching) sink.absent(name, atMs, 'searching')
      if (name === 'heart_rate') isSearching = value === 0
    }
  }

  const framer = createFramer(match, (buffer, from, _length, _skipped, atMs, sink) => onFrame(buffer, from, atMs, sink), reasonOf)
  return {
    decode: framer.decode,
    reset() {
      framer.reset()
      isSearching = false
    },
  }
}

function match(buffer: Uint8Array, from: number, end: number): number {
  const length = framed(buffer, from, end)
  return length > 0 && crcOf(buffer, from + 3, from + 58) !== buffer[from + 58] ? -1 : length
}

/** All but the CRC. */
function framed(buffer: Uint8Array, from: number, end: number): number {
  for (let k = 0; k < head.length; k++) {
    if (from + k >= end) return 0
    if (buffer[from + k] !== head[k]) return -1
  }
  if (end - from < frameBytes) return 0
  return buffer[from + 59] === 0x03 ? frameBytes : -1
}

function reasonOf(stretch: Uint8Array): string {
  const from = Buffer.from(stretch).indexOf(Uint8Array.from(head))
  return from >= 0 && framed(stretch, from, stretch.length) > 0 ? 'checksum' : 'not-a-frame'
}

function encode({ values }: Frame): Uint8Array {
  const frame = Buffer.alloc(frameBytes)
  frame.set(head)
  for (const [k, { name, datatype }] of channels.entries()) {
    const value = Number(ownValue(values, name) ?? 0)
    if (datatype === 'Int32') frame.writeUInt16LE(value & 0xffff, places[k]!)
    else frame[places[k]!] = value
  }
  frame[58] = crcOf(frame, 3, 58)
  frame[59] = 0x03
  return frame
}
