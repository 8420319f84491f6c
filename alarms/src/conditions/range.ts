/** A low and a high limit: what conditions that are raised outside of both share. Those on a measure of several samples may leave one out. */
import { z } from 'zod'
import { type Limits, limitKey } from './limits.ts'

export const rangeKeys = {
  low: limitKey('Raises below this.').optional(),
  high: limitKey('Raises above this.').optional(),
  hysteresis: z.number().min(0).default(0).describe('Clears only this far inside low and high.'),
}

export type Range = z.infer<z.ZodObject<typeof rangeKeys>>

export function rangeFault({ low, high, hysteresis }: Range): string | undefined {
  if (low === undefined && high === undefined) return 'give low, high or both'
  if (low === undefined || high === undefined) return undefined
  return low + hysteresis > high - hysteresis ? 'low + hysteresis must not be more than high - hysteresis' : undefined
}

/** In the channel's unit. */
export function rangeLimits({ low = -Infinity, high = Infinity, hysteresis }: Range): Limits {
  return { setLow: low, setHigh: high, clearLow: low + hysteresis, clearHigh: high - hysteresis }
}

/** The limit that a measure is beyond. */
export function limitBeyond({ low, high }: Range, measured: number | undefined): number {
  return isAbove({ high }, measured) ? high! : (low ?? high)!
}

export function isAbove({ high }: Pick<Range, 'high'>, measured: number | string | undefined): boolean {
  return high !== undefined && typeof measured === 'number' && measured > high
}
