/**
 * The property `Quality`, an Int32 [tck-id-payloads-propertyset-quality-value-type] that is left out when it is GOOD.
 * Sparkplug has three codes [tck-id-payloads-propertyset-quality-value-value]; ours map so:
 *
 *   good 0       192 GOOD    the default, not sent
 *   uncertain 1  500 STALE   Sparkplug has no UNCERTAIN; STALE is its code for "do not take this as it stands"
 *   bad 2          0 BAD
 *
 * Others send OPC classic codes: 192 to 255 are taken as good, 64 to 191 as uncertain, below 64 as bad, all else as uncertain.
 */
import { qualityCodes } from '../reading.ts'
import type { PropertySet } from './properties.ts'

/** A property set with nothing but the quality: key `Quality`, type 3, int_value. By quality code; undefined for good. */
export const qualityProperties: readonly (Buffer | undefined)[] = [undefined, only([0x18, 0xf4, 0x03]), only([0x18, 0x00])]

function only(value: number[]): Buffer {
  return Buffer.from([0x0a, 7, ...Buffer.from('Quality'), 0x12, 2 + value.length, 0x08, 3, ...value])
}

export function qualityOf(properties: PropertySet): number {
  const value = properties.get('Quality')?.value
  if (value === undefined || value === null) return qualityCodes.good
  if (typeof value !== 'number') return qualityCodes.uncertain
  if (value >= 192 && value < 256) return qualityCodes.good
  return value >= 0 && value < 64 ? qualityCodes.bad : qualityCodes.uncertain
}
