/** What a number of the frame must be. */
import { type NumberAt, numberAt } from './number.ts'
import type { Condition, FrameConfig } from './schema.ts'

type Values = Condition['is']

export interface Check {
  /** Undefined: its bytes are not all there, or not in a frame of this length. */
  holds(buffer: Uint8Array, from: number, available: number, length: number): boolean | undefined
  /** Makes it hold. */
  write(frame: Uint8Array): void
}

export function includes(values: Values, value: number): boolean {
  return values.some((one) => (typeof one === 'number' ? one === value : value >= one[0] && value <= one[1]))
}

export function checkOf(condition: Condition, config: FrameConfig): Check {
  const { is, not } = condition
  const number = placeOf(condition, config)
  return {
    holds(buffer, from, available, length) {
      const reach = number.reach(length)
      return reach <= available && reach <= length ? includes(is, number.read(buffer, from, length)) !== not : undefined
    },
    write(frame) {
      if (number.reach(frame.length) <= frame.length) number.write(frame, not ? lowestOther(is) : firstOf(is))
    },
  }
}

function placeOf({ field, ...where }: Condition, { endian, fields }: FrameConfig): NumberAt {
  const named = field === undefined ? undefined : fields.find(({ name }) => name === field)
  return numberAt(named ?? where, endian)
}

export function firstOf([first]: Values): number {
  return typeof first === 'number' ? first : first![0]
}

function lowestOther(is: Values): number {
  let value = 0
  while (includes(is, value)) value++
  return value
}
