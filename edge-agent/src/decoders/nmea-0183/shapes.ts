/**
 * The fields of each sentence that is read, by their place (0 is the address, `GPGGA`), and how many there are at least. Later
 * versions and makers append fields; none may be missing, be it empty.
 *
 * | sentence | least | fields |
 * |----------|-------|--------|
 * | RMC      | 12    | 1 time, 2 status, 3-4 latitude, 5-6 longitude, 7 speed, kn, 8 course, 9 date, 10-11 magnetic variation, 12 mode (2.3) |
 * | GGA      | 15    | 1 time, 2-3 latitude, 4-5 longitude, 6 fix, 7 satellites used, 8 HDOP, 9-10 altitude, 11-12 geoid, 13 age, 14 station |
 * | VTG      | 9     | 1-2 course, true, 3-4 magnetic, 5-6 speed, kn, 7-8 km/h, 9 mode (2.3) |
 * | GSA      | 18    | 1 selection, 2 fix mode, 3-14 satellites, 15 PDOP, 16 HDOP, 17 VDOP, 18 system (4.10) |
 * | GSV      | 4     | 1 messages, 2 number, 3 in view, then four of each satellite; one more is the signal (4.10) |
 */
import { date, decimal, type FieldKind, latitude, longitude, oneOf, time, whole } from './fields.ts'

interface Shape {
  fieldsMin: number
  kinds: Record<number, FieldKind>
  /** What all fields together must be. */
  isWhole?: (fields: string[]) => boolean
}

const speed = decimal(0, 99_999)
const course = decimal(0, 360)
const dilution = decimal(0, 9999)
const northSouth = oneOf('N', 'S')
const eastWest = oneOf('E', 'W')

export const shapes: Record<string, Shape> = {
  RMC: {
    fieldsMin: 12,
    kinds: {
      1: time,
      2: oneOf('A', 'V'),
      3: latitude,
      4: northSouth,
      5: longitude,
      6: eastWest,
      7: speed,
      8: course,
      9: date,
    },
  },
  GGA: {
    fieldsMin: 15,
    kinds: {
      1: time,
      2: latitude,
      3: northSouth,
      4: longitude,
      5: eastWest,
      6: whole(0, 9),
      7: whole(0, 99),
      8: dilution,
      9: decimal(-99_999, 999_999),
      10: oneOf('M'),
    },
  },
  VTG: { fieldsMin: 9, kinds: { 1: course, 2: oneOf('T'), 4: oneOf('M'), 5: speed, 6: oneOf('N'), 7: speed, 8: oneOf('K') } },
  GSA: {
    fieldsMin: 18,
    kinds: { 1: oneOf('A', 'M'), 2: whole(1, 3), 15: dilution, 16: dilution, 17: dilution },
  },
  GSV: {
    fieldsMin: 4,
    kinds: { 1: whole(1, 99), 2: whole(1, 99), 3: whole(0, 999) },
    // Of the message that is read; what is wrong with the satellites of another costs nothing.
    isWhole: (fields) => fields[2] !== '1' || fields.length % 4 < 2,
  },
}

const checks = new Map(
  Object.values(shapes).map((shape) => [shape, Object.entries(shape.kinds).map(([k, kind]) => ({ place: Number(k), kind }))]),
)

/** Whether the fields are what the sentence has. */
export function isShaped(shape: Shape, fields: string[]): boolean {
  if (fields.length < shape.fieldsMin || shape.isWhole?.(fields) === false) return false
  for (const { place, kind } of checks.get(shape)!) {
    const field = fields[place]!
    if (field !== '' && !kind(field)) return false
  }
  return true
}
