/**
 * Integers are kept exactly or not at all: one beyond ±(2^53 - 1) is a bigint from where it is read to where a channel takes it
 * (as text) or rejects it with its digits (as a number).
 *
 * An integer is what is written as one: digits, with no fraction but zeros and no exponent. `0.1`, `1e22` and what a format calls
 * a float are measurements: they become the nearest double, as their sender's were.
 */

/** An integer of 16 digits or more that stands where a number may, be it within a text: 2^53 has 16. */
const longInteger = /(?:^|[\s:,[-])\d{16}/

/** `JSON.parse`, with bigints. It costs more only where an integer is long. @throws SyntaxError */
export function parseExactly(text: string): unknown {
  if (!longInteger.test(text)) return JSON.parse(text)
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) ? integerOf(context!.source!, value) : value,
  )
}

function integerOf(source: string, value: number): number | bigint {
  const digits = /^(-?\d+)(?:\.0+)?$/.exec(source)?.[1]
  return digits === undefined ? value : BigInt(digits)
}

/** The number where it is one exactly, else the bigint. */
export function narrowed(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/** Of two integers exactly; a fraction beside an integer that no double holds leaves that integer, which is rejected. */
export function sumExactly(a: number | bigint, b: number | bigint): number | bigint {
  if (isWhole(a) && isWhole(b)) return narrowed(BigInt(a) + BigInt(b))
  if (typeof a === 'bigint') return a
  return typeof b === 'bigint' ? b : a + b
}

/** A double beyond 2^53 is a measurement, though it has no fraction. */
const isWhole = (value: number | bigint) => typeof value === 'bigint' || Number.isSafeInteger(value)
