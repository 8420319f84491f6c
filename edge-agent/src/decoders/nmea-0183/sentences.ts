/**
 * What each sentence says, by channel, when its fields are what shapes.ts says.
 *
 * - RMC is valid with status A, VTG unless its mode is N, a GGA fix is not 0 (none), a GSA fix mode is not 1 (none).
 * - GSV: the first message of the group that satellites.ts picks.
 *
 * A field that is empty, or not valid by its sentence, is an absence. Any fault makes the whole line malformed.
 */
import type { Value } from '@millrace/contract'
import { parseDecimal } from '../decimal.ts'
import { parseAngle } from './angle.ts'
import type { SatellitesInView } from './satellites.ts'
import { isShaped, shapes } from './shapes.ts'

/** A value, or undefined: the receiver has none. */
export type Found = Map<string, Value | undefined>

/** Which sentence gives a channel that two carry. */
export interface Sources {
  position: 'GGA' | 'RMC'
  motion: 'RMC' | 'VTG'
  utc: boolean
  inView: SatellitesInView
}

type Reader = (fields: string[], sources: Sources) => Found | 'malformed'

/** By the fields of a sentence, address first. Undefined for sentences that are not read. */
export function readSentence(fields: string[], sources: Sources): Found | 'malformed' | undefined {
  const name = fields[0]!.slice(2)
  if (fields[0]!.startsWith('P') || !Object.hasOwn(readers, name)) return undefined
  return isShaped(shapes[name]!, fields) ? readers[name]!(fields, sources) : 'malformed'
}

const readers: Record<string, Reader> = {
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
  GSV(fields, { inView }) {
    return found(inView.isSource(fields) && { satellites_in_view: number(text(fields[3]), 0) })
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
  const [day, month, year] = date.match(/../g)!
  const [hour, minute, second] = time.match(/../g)!
  return `20${year}-${month}-${day}T${hour}:${minute}:${second}${/\.\d+$/.exec(time)?.[0] ?? ''}Z`
}

function number(field: string, decimals: number): Parsed[string] {
  return field === '' ? undefined : (parseDecimal(field, decimals) ?? malformed)
}

function text(field: string | undefined): string {
  return field ?? ''
}
