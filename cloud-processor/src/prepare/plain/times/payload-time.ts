/** The time in a payload: an epoch in the configured unit, as number or text, or a text of iso-8601.ts. Nothing is guessed. */
import { z } from 'zod'
import { type TimeUnit, timeUnits, unitNames } from '../../time/units.ts'
import { type IsoTime, parseIsoTime } from './iso-8601.ts'
import { instantsOf, isZone } from './zone.ts'

/** Keys of the codecs that read such times. */
export const precision = z.enum(timeUnits).optional().describe('unit of times that are digits; absent: ms, in line protocol ns')
export const zone = z
  .string()
  .refine(isZone, 'is not a zone of the IANA database, such as Europe/Berlin')
  .optional()
  .describe('IANA zone of times without an offset, such as Europe/Berlin; absent: they are rejected')

export interface TimeConfig {
  precision?: TimeUnit | undefined
  zone?: string | undefined
}

/** Epoch ms, rounded down; or why there is none, of a word without naming it. */
export function readTime(value: unknown, { precision = 'ms', zone }: TimeConfig): number | string {
  if (typeof value === 'string') {
    const iso = parseIsoTime(value)
    if (iso) return iso.offsetMinutes === undefined ? localTime(iso, value, zone) : instantOf(iso, value, iso.offsetMinutes)
  }
  if (precision === 'ms' && Number.isSafeInteger(value)) return value as number
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') {
    const ms = epochMs(`${value}`, precision)
    if (ms !== undefined) return ms
  }
  if (typeof value === 'string' && !/\d/.test(value)) return `is not epoch ${precision} or ISO 8601`
  return `${quoted(value)} is not a time: neither an epoch in ${unitNames[precision]}, nor RFC 3339 or ISO 8601`
}

function instantOf({ fieldsMs, isLeapSecond }: IsoTime, text: string, offsetMinutes: number): number | string {
  const ms = fieldsMs - offsetMinutes * 60_000
  const isEndOfDay = Math.floor(ms / 1000) % 86_400 === 0
  return !isLeapSecond || isEndOfDay ? ms : `${quoted(text)} is not a time: no leap second is there`
}

function localTime(iso: IsoTime, text: string, zone: string | undefined): number | string {
  if (zone === undefined) return `${quoted(text)} has no offset from UTC: set zone, or let the device send one`
  if (iso.isLeapSecond) return `${quoted(text)} is not a time: a leap second needs an offset from UTC`
  const instants = instantsOf(iso.fieldsMs, zone)
  if (instants.length === 1) return instants[0]!
  const why = instants.length === 0 ? 'was left out when clocks were set forward' : 'came twice when clocks were set back'
  return `${quoted(text)} ${why} in ${zone}: let the device send an offset from UTC`
}

const quoted = (value: unknown) => (JSON.stringify(typeof value === 'bigint' ? `${value}` : value) ?? 'a value').slice(0, 40)

/** Places of the decimal point to the right, from the unit to ms. */
const shifts = { s: 3, ms: 0, us: -3, ns: -6 } as const

/** By its digits, so that no time passes through a binary fraction. Undefined when the text is not a decimal number. */
export function epochMs(text: string, unit: TimeUnit): number | undefined {
  const match = /^(-?)(\d{1,24})(?:\.(\d{1,24}))?$/.exec(text)
  if (!match) return undefined
  const [, sign, whole, fraction = ''] = match
  const shift = shifts[unit]
  const digits = shift >= 0 ? whole! + fraction.slice(0, shift).padEnd(shift, '0') : whole!.slice(0, shift)
  const rest = shift >= 0 ? fraction.slice(shift) : whole!.slice(shift) + fraction
  const ms = Number(digits)
  if (sign === '') return ms
  return /[1-9]/.test(rest) ? -ms - 1 : 0 - ms
}
