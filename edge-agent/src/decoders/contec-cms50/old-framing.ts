/** The 5-byte framing of older firmware; its layout is in contec-cms50.ts. */
import { absenceOf, type Framing } from './framing.ts'

const frameBytes = 5

export const oldFraming: Framing = {
  match(buffer, from, end) {
    if (!(buffer[from]! & 0x80)) return -1
    const available = Math.min(frameBytes, end - from)
    for (let k = 1; k < available; k++) if (buffer[from + k]! & 0x80) return -1
    if (available < frameBytes) return 0
    const spo2 = buffer[from + 4]!
    return spo2 <= 100 || spo2 === 0x7f ? frameBytes : -1
  },
  read(buffer, from) {
    const status = buffer[from + 2]!
    const pulseRate = buffer[from + 3]! | ((status & 0x40) << 1)
    const spo2 = buffer[from + 4]!
    const probeOff = buffer[from]! & 0x10 || status & 0x10
    const invalid = probeOff ? 'probe-off' : status & 0x20 ? 'searching' : absenceOf(pulseRate, spo2)
    return { pulseRate, spo2, pleth: buffer[from + 1]!, invalid }
  },
  write({ pulseRate, spo2, pleth, invalid }) {
    const valid = invalid === undefined
    const rate = valid ? pulseRate : 0xff
    const flags = valid ? 0 : invalid === 'searching' ? 0x20 : 0x10
    const status = (pleth >> 3) | flags | ((rate & 0x80) >> 1)
    return Uint8Array.of(0x85, pleth, status, rate & 0x7f, valid ? spo2 : 0x7f)
  },
  frameBytes,
  link: { baudRate: 19_200, dataBits: 8, parity: 'odd', stopBits: 1 },
}
