/** The 9-byte framing of firmware 4.6 and later; its layout is in contec-cms50.ts. */
import { absenceOf, type Framing } from './framing.ts'

const realTime = 0x01
const frameBytes = 9

export const newFraming: Framing = {
  match,
  read(buffer, from) {
    if (buffer[from] !== realTime) return undefined
    const high = buffer[from + 1]!
    const pulseRate = (buffer[from + 5]! & 0x7f) | ((high & 0x08) << 4)
    const spo2 = spo2Of(buffer, from)
    const invalid = high & 0x01 ? 'probe-off' : high & 0x02 ? 'searching' : absenceOf(pulseRate, spo2)
    return { pulseRate, spo2, pleth: buffer[from + 3]! & 0x7f, invalid }
  },
  write({ pulseRate, spo2, pleth, invalid }) {
    const valid = invalid === undefined
    const rate = valid ? pulseRate : 0xff
    // The two bytes of the perfusion index are FF: not valid.
    const high = 0x60 | ((rate & 0x80) >> 4) | (valid ? 0 : invalid === 'searching' ? 0x02 : 0x01)
    const data = [high, 5, pleth, 0x10 | (pleth >> 3), rate, valid ? spo2 : 0x7f, 0x7f, 0x7f]
    return Uint8Array.from([realTime, ...data.map((byte) => byte | 0x80)])
  },
  frameBytes,
  link: { baudRate: 115_200, dataBits: 8, parity: 'none', stopBits: 1 },
  commands: { onOpen: command(0xa1), keepAlive: { bytes: command(0xaf), intervalMs: 5000 } },
}

function match(buffer: Uint8Array, from: number, end: number): number {
  const type = buffer[from]!
  if (type === 0 || type > 0x1f) return -1
  let length = 1
  while (length < frameBytes && from + length < end && buffer[from + length]! & 0x80) length++
  if (length < frameBytes && from + length === end) return 0
  if (type === realTime) return length === frameBytes && isPlausible(spo2Of(buffer, from)) ? frameBytes : -1
  return length > 1 ? length : -1
}

function spo2Of(buffer: Uint8Array, from: number): number {
  return (buffer[from + 6]! & 0x7f) | ((buffer[from + 1]! & 0x10) << 3)
}

function isPlausible(spo2: number): boolean {
  return spo2 <= 100 || spo2 === 0x7f
}

function command(code: number): Uint8Array {
  return Uint8Array.of(0x7d, 0x81, code, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80)
}
