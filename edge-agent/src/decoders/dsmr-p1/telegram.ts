/** The telegram of a meter: where it begins and ends, its CRC, its lines. The format is in dsmr-p1.ts. */
import { crc16Arc, createCrc } from '../crc.ts'

const telegramBytesMax = 4096

const crcOf = createCrc(crc16Arc)
const [slash, bang, carriageReturn, lineFeed] = [0x2f, 0x21, 0x0d, 0x0a]

/** Length of the telegram from `/` on, as `Match` of the framer. Its CRC is not looked at. */
export function framedTelegram(buffer: Uint8Array, from: number, end: number): number {
  if (buffer[from] !== slash) return -1
  let hasLine = false
  for (let k = from + 1; k < end; k++) {
    const byte = buffer[k]!
    if (byte > 0x7e || (byte < 0x20 && byte !== carriageReturn && byte !== lineFeed) || k - from >= telegramBytesMax) return -1
    // The identification may have a slash; behind it one begins the next telegram.
    if (byte === slash && hasLine) return -1
    hasLine ||= byte === lineFeed
    if (byte === bang && buffer[k - 1] === lineFeed) return endOf(buffer, { from, bang: k, end })
  }
  return 0
}

function endOf(buffer: Uint8Array, { from, bang, end }: { from: number; bang: number; end: number }): number {
  for (let k = bang + 1; k < end; k++) {
    if (buffer[k] === lineFeed) return buffer[k - 1] === carriageReturn && [2, 6].includes(k - bang) ? k + 1 - from : -1
    if (k - bang > 6) return -1
  }
  return 0
}

/** Undefined: it has none. */
export function hasRightCrc(buffer: Uint8Array, from: number, length: number): boolean | undefined {
  const end = from + length
  if (buffer[end - 3] === bang) return undefined
  const digits = Buffer.from(buffer.subarray(end - 6, end - 2)).toString('latin1')
  return /^[0-9A-Fa-f]{4}$/.test(digits) && crcOf(buffer, from, end - 6) === Number.parseInt(digits, 16)
}

/** Lines between the identification and `!`; one that goes on in the next (gas, before version 4) is joined. */
export function linesOf(telegram: Uint8Array): string[] {
  const text = Buffer.from(telegram).toString('latin1')
  const body = text.slice(text.indexOf('\n') + 1, text.lastIndexOf('!'))
  return body
    .replace(/\r?\n\(/g, '(')
    .split(/\r?\n/)
    .filter((line) => line !== '')
}

/** A telegram of these lines. */
export function writeTelegram(identification: string, lines: string[], isChecked: boolean): Uint8Array {
  const body = Buffer.from(`/${identification}\r\n\r\n${lines.map((line) => `${line}\r\n`).join('')}!`)
  const crc = crcOf(body, 0, body.length).toString(16).toUpperCase().padStart(4, '0')
  return Buffer.concat([body, Buffer.from(`${isChecked ? crc : ''}\r\n`)])
}
