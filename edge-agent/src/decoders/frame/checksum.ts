/** Whether a frame has the checksum that its bytes give, and writes it. */
import { createCrc } from '../crc.ts'
import { numberAt } from './number.ts'
import type { Checksum, FrameConfig } from './schema.ts'

interface Seal {
  bytes: number
  isRight(buffer: Uint8Array, from: number, length: number): boolean
  write(frame: Uint8Array): void
  /** What it is, and what the bytes give. */
  explain(buffer: Uint8Array, from: number, length: number): string
}

export function sealOf(checksum: Checksum, endian: FrameConfig['endian']): Seal {
  const bytes = checksum.kind === 'sum' ? checksum.bytes : checksum.kind === 'xor' ? 1 : checksum.width / 8
  const at = checksum.at ?? -bytes
  const { from: first, to = at } = checksum
  const work = workOf(checksum)
  const number = numberAt({ at, bytes, endian: checksum.endian }, endian)
  const worked = (buffer: Uint8Array, from: number, length: number) =>
    work(buffer, from + within(first, length), from + within(to, length))
  return {
    bytes,
    isRight: (buffer, from, length) =>
      number.reach(length) <= length && number.read(buffer, from, length) === worked(buffer, from, length),
    write: (frame) => number.write(frame, worked(frame, 0, frame.length)),
    explain: (buffer, from, length) =>
      `it is ${hexOf(number.read(buffer, from, length))}, the bytes give ${hexOf(worked(buffer, from, length))}`,
  }
}

function hexOf(value: number): string {
  return `0x${value.toString(16).toUpperCase()}`
}

/** A place that counts from the end, within the frame. */
function within(at: number, length: number): number {
  return Math.max(0, Math.min(length, at < 0 ? length + at : at))
}

function workOf(checksum: Checksum): (buffer: Uint8Array, from: number, to: number) => number {
  if (checksum.kind === 'crc') return createCrc(checksum)
  if (checksum.kind === 'xor')
    return (buffer, from, to) => {
      let sum = 0
      for (let k = from; k < to; k++) sum ^= buffer[k]!
      return sum
    }
  const { bytes, complement } = checksum
  const span = 256 ** bytes
  return (buffer, from, to) => {
    let sum = 0
    for (let k = from; k < to; k++) sum += buffer[k]!
    sum %= span
    if (complement === 'none') return sum
    return complement === 'ones' ? span - 1 - sum : (span - sum) % span
  }
}
