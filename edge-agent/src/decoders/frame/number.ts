/** Numbers in a frame: at one place, or put together from parts. */
import type { Field, Place } from './schema.ts'

export interface NumberAt {
  /** Bytes from the start that must be there to read it, in a frame of this length; beyond it where it is not in such a frame. */
  reach(length: number): number
  read(buffer: Uint8Array, from: number, length: number): number
  write(frame: Uint8Array, value: number): void
  bits: number
}

type Endian = 'big' | 'little'
type Where = Pick<Field, 'bytes' | 'endian' | 'bits' | 'parts' | 'at'> & { type?: Field['type'] }

export function numberAt(where: Where, endian: Endian): NumberAt {
  if (where.type === 'float') return floatAt(where as Place, where.endian ?? endian)
  const parts = (where.parts ?? [where as Place]).map((part) => partAt(part, part.endian ?? endian))
  const whole = parts.length === 1 ? parts[0]! : joined(parts)
  return where.type === 'signed' ? signed(whole) : whole
}

const startOf = (at: number, length: number) => (at < 0 ? length + at : at)

/** Where the length is not known yet it is infinite, and so is what counts from the end. */
const reachOf =
  (at: number, bytes: number): NumberAt['reach'] =>
  (length) =>
    at < 0 ? (length + at < 0 ? Number.POSITIVE_INFINITY : length + at + bytes) : at + bytes

function partAt({ at, bytes, bits }: Place, endian: Endian): NumberAt {
  const [low, high] = bits ?? [0, 8 * bytes - 1]
  const [unit, span] = [2 ** low, 2 ** (high - low + 1)]
  const isPlain = low === 0 && high === 8 * bytes - 1
  return {
    bits: high - low + 1,
    reach: reachOf(at, bytes),
    read(buffer, from, length) {
      const whole = readBytes(buffer, from + startOf(at, length), bytes, endian)
      return isPlain ? whole : Math.floor(whole / unit) % span
    },
    write(frame, value) {
      const start = startOf(at, frame.length)
      const whole = readBytes(frame, start, bytes, endian)
      const old = Math.floor(whole / unit) % span
      const cut = ((value % span) + span) % span
      writeBytes(frame, { start, bytes, endian }, whole + (cut - old) * unit)
    },
  }
}

function readBytes(buffer: Uint8Array, start: number, bytes: number, endian: Endian): number {
  let value = 0
  if (endian === 'big') for (let k = 0; k < bytes; k++) value = value * 256 + buffer[start + k]!
  else for (let k = bytes - 1; k >= 0; k--) value = value * 256 + buffer[start + k]!
  return value
}

function writeBytes(
  frame: Uint8Array,
  { start, bytes, endian }: { start: number; bytes: number; endian: Endian },
  value: number,
) {
  for (let k = 0; k < bytes; k++) frame[start + (endian === 'big' ? bytes - 1 - k : k)] = Math.floor(value / 256 ** k) % 256
}

/** The least significant part first. */
function joined(parts: NumberAt[]): NumberAt {
  return {
    bits: parts.reduce((sum, { bits }) => sum + bits, 0),
    reach: (length) => Math.max(...parts.map((part) => part.reach(length))),
    read(buffer, from, length) {
      let [value, unit] = [0, 1]
      for (const part of parts) {
        value += part.read(buffer, from, length) * unit
        unit *= 2 ** part.bits
      }
      return value
    },
    write(frame, value) {
      let rest = value
      for (const part of parts) {
        part.write(frame, rest)
        rest = Math.floor(rest / 2 ** part.bits)
      }
    },
  }
}

/** Two's complement; the bits of a negative number are written as they are cut. */
function signed(number: NumberAt): NumberAt {
  const [half, span] = [2 ** (number.bits - 1), 2 ** number.bits]
  return {
    ...number,
    read(buffer, from, length) {
      const value = number.read(buffer, from, length)
      return value >= half ? value - span : value
    },
  }
}

function floatAt({ at, bytes }: Place, endian: Endian): NumberAt {
  const view = new DataView(new ArrayBuffer(8))
  const isLittle = endian === 'little'
  return {
    bits: 8 * bytes,
    reach: reachOf(at, bytes),
    read(buffer, from, length) {
      const start = from + startOf(at, length)
      for (let k = 0; k < bytes; k++) view.setUint8(k, buffer[start + k]!)
      return bytes === 4 ? view.getFloat32(0, isLittle) : view.getFloat64(0, isLittle)
    },
    write(frame, value) {
      if (bytes === 4) view.setFloat32(0, value, isLittle)
      else view.setFloat64(0, value, isLittle)
      for (let k = 0; k < bytes; k++) frame[startOf(at, frame.length) + k] = view.getUint8(k)
    },
  }
}
