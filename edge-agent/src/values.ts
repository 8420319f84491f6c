/** Checks a value against the datatype that its channel has on the wire. */
import type { Channel, Value } from '@millrace/contract'

const integers: Partial<Record<Channel['datatype'], number>> = {
  Int16: 2 ** 15,
  Int16Array: 2 ** 15,
  Int32: 2 ** 31,
  Int32Array: 2 ** 31,
  Int64: 2 ** 53,
}

/** What is wrong with a value of a channel: `type`, `not-a-number`, `not-an-integer`, `out-of-range`, `too-long`. */
export function faultOf({ datatype }: Channel, textBytesMax: number): (value: Value) => string | undefined {
  if (datatype === 'Boolean') return (value) => (typeof value === 'boolean' ? undefined : 'type')
  if (datatype === 'String')
    return (value) => (typeof value !== 'string' ? 'type' : Buffer.byteLength(value) > textBytesMax ? 'too-long' : undefined)
  const bound = integers[datatype]
  if (bound === undefined)
    return (value) => (typeof value !== 'number' ? 'type' : Number.isFinite(value) ? undefined : 'not-a-number')
  const lowest = bound === 2 ** 53 ? -bound + 1 : -bound
  return (value) => {
    if (typeof value !== 'number') return 'type'
    if (!Number.isInteger(value)) return Number.isFinite(value) ? 'not-an-integer' : 'not-a-number'
    return value < lowest || value >= bound ? 'out-of-range' : undefined
  }
}
