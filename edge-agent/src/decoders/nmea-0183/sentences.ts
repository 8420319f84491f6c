/**
 * What each sentence says, by channel. Field 0 is the address (`GPGGA`).
 *
 * | sentence | fields used                                                                                        |
 * |----------|----------------------------------------------------------------------------------------------------|
 * | GGA      | 2-3 latitude, 4-5 longitude, 6 fix (0 none), 7 satellites used, 8 HDOP, 9 altitude, m              |
 * | RMC      | 1 time, 2 status (A valid), 3-6 position, 7 speed, kn, 8 course, degrees true, 9 date               |
 * | VTG      | 1 course, degrees true, 5 speed, kn, 9 mode (N not valid)                                           |
 * | GSA      | 2 fix mode (1 none, 2 two-, 3 three-dimensional), 15 PDOP, 17 VDOP                                  |
 * | GSV      | 2 number of this message, 3 satellites in view; only the first message is read, of GP and GN talkers |
 *
 * A field that is empty, or not valid by its sentence, is an absence. A field that is no number makes the whole line malformed.
 */
import type { Value } from '@millrace/contract'
import { parseAngle, parseDecimal } from './decimal.ts'

/** A value, or undefined: the receiver has none. */
export type Found = Map<string, Value | undefined>

/** Which sentence gives a channel that two carry. */
export interface Sources {
  position: 'GGA' | 'RMC'
  motion: 'RMC' | 'VTG'
  utc: boolean
}

export type Reader = (fields: string[], sources: Sources) => Found | 'malformed'

export const readers: Record<string, Reader> = {
  GGA(fields, { position }) {
    const fix = text(fields[6])
    const valid = fix !== '' && fix !== '0'
    return found(
      position === 'GGA' && positionOf(fields, 2, valid),
      { fix: number(fix, 0), satellites: number(text(fields[7]), 0) },
      { hdop: valid ? number(text(fields[8]), 2) : undefined, altitude: valid ? number(text(fields[9]), 3) : undefined },
    )
  },
  RMC(fields, { position, motion, utc }) {
    const valid = fields[2] === 'A'
    return found(
      position === 'RMC' && positionOf(fields, 3, valid),
      motion === 'RMC' && motionOf(text(fields[7]), text(fields[8]), valid),
      utc && { utc: utcOf(text(fields[1]), text(fields[9])) },
    )
  },
  VTG(fields, { motion }) {
    return found(motion === 'VTG' && motionOf(text(fields[5]), text(fields[1]), fields[9] !== 'N'))
  },
  GSA(fields) {
    const valid = fields[2] !== '1'
    return found(
      { fix_mode: number(text(fields[2]), 0) },
      { pdop: valid ? number(text(fields[15]), 2) : undefined, vdop: valid ? number(text(fields[17]), 2) : undefined },
    )
  },
  GSV(fields) {
    const first = fields[2] === '1' && /^G[PN]/.test(fields[0]!)
    return found(first && { satellites_in_view: number(text(fields[3]), 0) })
  },
}

type Parsed = Record<string, Value | undefined | typeof malformed>
const malformed = Symbol('malformed')

function found(...parts: (Parsed | false)[]): Found | 'malformed' {
  const result: Found = new Map()
  for (const part of parts) {
    if (part === false) continue
    for (const [channel, value] of Object.entries(part)) {
      if (value === malformed) return 'malformed'
      result.set(channel, value as Value | undefined)
    }
  }
  return result
}

function positionOf(fields: string[], from: number, valid: boolean): Parsed {
  const [latitude, north, longitude, east] = [0, 1, 2, 3].map((k) => text(fields[from + k])) as [string, string, string, string]
  if (!valid || (latitude === '' && longitude === '')) return { latitude: undefined, longitude: undefined }
  return {
    latitude: parseAngle(latitude, north, 'NS', 90) ?? malformed,
    longitude: parseAngle(longitude, east, 'EW', 180) ?? malformed,
  }
}

function motionOf(speed: string, course: string, valid: boolean): Parsed {
  return { speed: valid ? number(speed, 3) : undefined, course: valid ? number(course, 2) : undefined }
}

/** Date `ddmmyy` and time `hhmmss.sss` as ISO 8601; the century is the receiver's secret, taken for this one. */
function utcOf(time: string, date: string): Parsed[string] {
  if (time === '' || date === '') return undefined
  const at = /^([01]\d|2[0-3])([0-5]\d)([0-6]\d)(\.\d{1,9})?$/.exec(time)
  const on = /^([0-2]\d|3[01])(0\d|1[0-2])(\d\d)$/.exec(date)
  if (!at || !on) return malformed
  return `20${on[3]}-${on[2]}-${on[1]}T${at[1]}:${at[2]}:${at[3]}${at[4] ?? ''}Z`
}

function number(field: string, decimals: number): Parsed[string] {
  return field === '' ? undefined : (parseDecimal(field, decimals) ?? malformed)
}

function text(field: string | undefined): string {
  return field ?? ''
}
