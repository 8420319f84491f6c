/**
 * Frames of Modbus RTU, functions 3 and 4:
 *
 *     request    unit  function      address (2)  count (2)   CRC (2)
 *     answer     unit  function      bytes        data ...    CRC (2)
 *     exception  unit  function+80   code                     CRC (2)
 *
 * Words have their high byte first, the CRC its low byte.
 */
import { crc16Modbus, createCrc } from '../crc.ts'

export interface Request {
  function: number
  at: number
  count: number
}

const crcOf = createCrc(crc16Modbus)
/** Of a request; as many as an answer can hold. */
const countMax = 125
export const requestBytes = 8
const exceptionBytes = 5

/** With unit and CRC. */
export function sealed(unit: number, body: number[]): Uint8Array {
  const frame = Uint8Array.of(unit, ...body, 0, 0)
  const crc = crcOf(frame, 0, frame.length - 2)
  frame.set([crc & 0xff, crc >> 8], frame.length - 2)
  return frame
}

export function writeRequest(unit: number, { function: code, at, count }: Request): Uint8Array {
  return sealed(unit, [code, at >> 8, at & 0xff, 0, count])
}

export function readRequest(buffer: Uint8Array, from: number): Request {
  return { function: buffer[from + 1]!, at: wordAt(buffer, from + 2), count: wordAt(buffer, from + 4) }
}

function wordAt(buffer: Uint8Array, at: number): number {
  return (buffer[at]! << 8) | buffer[at + 1]!
}

interface Place {
  buffer: Uint8Array
  from: number
  end: number
}

/**
 * As `Match` of the framer, for frames of one unit. An answer does not say what it answers: only the one to `expected` is a frame.
 */
export function matchUnit(unit: number, place: Place, expected: Request | undefined): number {
  const { buffer, from, end } = place
  if (buffer[from] !== unit) return -1
  if (end - from < 3) return end - from > 1 && !isFunction(buffer[from + 1]! & 0x7f) ? -1 : 0
  const code = buffer[from + 1]!
  if (!isFunction(code & 0x7f)) return -1
  if (code & 0x80) return complete(place, exceptionBytes)
  if (expected && code === expected.function && buffer[from + 2] === 2 * expected.count && !isEcho(unit, place, expected)) {
    const length = complete(place, exceptionBytes + 2 * expected.count)
    if (length >= 0) return length
  }
  return matchRequest(place)
}

function isFunction(code: number): boolean {
  return code === 3 || code === 4
}

/** Some adapters give back what was sent. */
function isEcho(unit: number, { buffer, from, end }: Place, expected: Request): boolean {
  return end - from >= requestBytes && writeRequest(unit, expected).every((byte, k) => buffer[from + k] === byte)
}

function matchRequest(place: Place): number {
  const { buffer, from, end } = place
  if (end - from < 6) return 0
  const count = wordAt(buffer, from + 4)
  return count >= 1 && count <= countMax ? complete(place, requestBytes) : -1
}

/** The length of a frame whose CRC is right; 0 while bytes are lacking. */
function complete({ buffer, from, end }: Place, length: number): number {
  if (end - from < length) return 0
  const at = from + length - 2
  return crcOf(buffer, from, at) === (buffer[at]! | (buffer[at + 1]! << 8)) ? length : -1
}
