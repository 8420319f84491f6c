/**
 * One column of values, exact. Layout: u8 kind, then by kind
 *
 *     0..9   numbers that are whole after multiplying by 10^kind: signed varint first value, then signed varint deltas
 *     20..29 the same by 10^(kind-20), delta of delta: for times
 *     40..49 the same by 10^(kind-40), all of one distance: signed varint first value, then signed varint distance
 *     10     float64 little-endian, each
 *     11     booleans: one byte each
 *     12     anything: varint length, JSON array (UTF-8)
 *
 * The count is known from outside. Integers of a device stay integers; decimals become integers; both compress well.
 */
import type { Value } from '@millrace/contract'
import { type ByteReader, type ByteWriter, putBytes, putSigned, reserve, takeBytes, takeSigned } from './bytes.ts'

const float = 10
const boolean = 11
const json = 12
const times = 20
const even = 40
/** Deltas of such numbers, and deltas of deltas, are exact in a float64. */
const wholeMax = 2 ** 50
const decimalsMax = 6
const powers = [1, 10, 100, 1e3, 1e4, 1e5, 1e6]

export function putValues(to: ByteWriter, values: Value[]): void {
  let kind: 'number' | 'boolean' | 'other' | undefined
  for (let k = 0; k < values.length; k++) {
    const type = typeof values[k]
    const is = type === 'number' && Number.isFinite(values[k]) ? 'number' : type === 'boolean' ? 'boolean' : 'other'
    if (kind === undefined) kind = is
    else if (kind !== is) kind = 'other'
  }
  if (kind === 'number') putNumbers(to, values as number[])
  else if (kind === 'boolean') {
    reserve(to, values.length + 1)
    to.bytes[to.at++] = boolean
    for (const value of values) to.bytes[to.at++] = value ? 1 : 0
  } else {
    reserve(to, 1)
    to.bytes[to.at++] = json
    putBytes(to, Buffer.from(JSON.stringify(values)))
  }
}

export function putNumbers(to: ByteWriter, values: ArrayLike<number>): void {
  reserve(to, values.length * 8 + 8)
  const decimals = decimalsOf(values)
  if (decimals < 0) return putFloats(to, values)
  if (putEven(to, values, decimals)) return
  to.bytes[to.at++] = decimals
  const power = powers[decimals]!
  let last = 0
  for (let k = 0; k < values.length; k++) {
    const whole = decimals === 0 ? values[k]! : Math.round(values[k]! * power)
    putSigned(to, whole - last)
    last = whole
  }
}

/** As `putNumbers`, smaller where the values rise evenly. */
export function putTimes(to: ByteWriter, values: ArrayLike<number>): void {
  reserve(to, values.length * 8 + 8)
  const decimals = decimalsOf(values)
  if (decimals < 0) return putFloats(to, values)
  if (putEven(to, values, decimals)) return
  to.bytes[to.at++] = times + decimals
  const power = powers[decimals]!
  let last = 0
  let lastDelta = 0
  for (let k = 0; k < values.length; k++) {
    const whole = decimals === 0 ? values[k]! : Math.round(values[k]! * power)
    const delta = whole - last
    putSigned(to, delta - lastDelta)
    // The first value is large: its delta says nothing about the next.
    lastDelta = k === 0 ? 0 : delta
    last = whole
  }
}

/** Regular times, and values that stand still or climb evenly, need only two numbers. */
function putEven(to: ByteWriter, values: ArrayLike<number>, decimals: number): boolean {
  if (values.length < 3) return false
  const power = powers[decimals]!
  const whole = (k: number) => Math.round(values[k]! * power)
  const first = whole(0)
  const distance = whole(1) - first
  for (let k = 2; k < values.length; k++) if (whole(k) - whole(k - 1) !== distance) return false
  to.bytes[to.at++] = even + decimals
  putSigned(to, first)
  putSigned(to, distance)
  return true
}

function putFloats(to: ByteWriter, values: ArrayLike<number>): void {
  to.bytes[to.at++] = float
  for (let k = 0; k < values.length; k++) to.at = to.bytes.writeDoubleLE(values[k]!, to.at)
}

/** Fewest decimals with which every value comes back exactly; -1 when there is none. */
function decimalsOf(values: ArrayLike<number>): number {
  let decimals = 0
  for (let k = 0; k < values.length; k++) {
    const value = values[k]!
    while (true) {
      const power = powers[decimals]!
      const whole = decimals === 0 ? Math.trunc(value) : Math.round(value * power)
      if (whole / power === value && Math.abs(whole) < wholeMax && !Object.is(value, -0)) break
      if (++decimals > decimalsMax) return -1
    }
  }
  // More decimals for a later value must still hold for the earlier ones.
  if (decimals > 0) {
    const power = powers[decimals]!
    for (let k = 0; k < values.length; k++) {
      const whole = Math.round(values[k]! * power)
      if (whole / power !== values[k] || Math.abs(whole) >= wholeMax) return -1
    }
  }
  return decimals
}

export function takeValues(from: ByteReader, count: number): Value[] {
  const kind = from.bytes[from.at]!
  if (kind === json) {
    from.at++
    return JSON.parse(Buffer.from(takeBytes(from)).toString())
  }
  if (kind === boolean) {
    from.at++
    return Array.from({ length: count }, () => from.bytes[from.at++] === 1)
  }
  return takeNumbers(from, count)
}

export function takeNumbers(from: ByteReader, count: number): number[] {
  const kind = from.bytes[from.at++]!
  const values = new Array<number>(count)
  if (kind === float) {
    const view = new DataView(from.bytes.buffer, from.bytes.byteOffset + from.at, count * 8)
    for (let k = 0; k < count; k++) values[k] = view.getFloat64(k * 8, true)
    from.at += count * 8
    return values
  }
  if (kind >= even) return takeEven(from, values, powers[kind - even]!)
  const second = kind >= times
  const power = powers[second ? kind - times : kind]!
  let last = 0
  let lastDelta = 0
  for (let k = 0; k < count; k++) {
    const delta = takeSigned(from) + (second ? lastDelta : 0)
    lastDelta = k === 0 ? 0 : delta
    last += delta
    values[k] = power === 1 ? last : last / power
  }
  return values
}

function takeEven(from: ByteReader, values: number[], power: number): number[] {
  const first = takeSigned(from)
  const distance = takeSigned(from)
  for (let k = 0; k < values.length; k++) values[k] = (first + k * distance) / power
  return values
}
