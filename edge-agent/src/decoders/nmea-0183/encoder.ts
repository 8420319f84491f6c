/** One fix as GGA and RMC, and GSA and GSV when their channels have values. `extra.utcMs` is the time of the fix. */
import type { Value } from '@millrace/contract'
import { formatDecimal } from '../decimal.ts'
import type { Frame } from '../decoder.ts'
import { formatAngle } from './angle.ts'
import { checksum } from './lines.ts'

export function createEncoder(): (frame: Frame) => Uint8Array {
  return ({ values, extra }) => {
    const iso = new Date(Number(extra?.utcMs ?? 0)).toISOString()
    const time = `${iso.slice(11, 19).replaceAll(':', '')}${iso.slice(19, 23)}`
    const date = `${iso.slice(8, 10)}${iso.slice(5, 7)}${iso.slice(2, 4)}`
    const bodies = [gga(values, time), rmc(values, time, date)]
    if ('fix_mode' in values) bodies.push(gsa(values))
    if ('satellites_in_view' in values) bodies.push(`GPGSV,1,1,${plain(values.satellites_in_view, 0)}`)
    return Buffer.from(bodies.map((body) => `$${body}*${hex(checksum(body))}\r\n`).join(''))
  }
}

type Values = Record<string, Value>

function gga(values: Values, time: string): string {
  const fix = plain(values.fix ?? ('latitude' in values ? 1 : 0), 0)
  const used = plain(values.satellites, 0)
  return `GPGGA,${time},${position(values)},${fix},${used},${plain(values.hdop, 2)},${plain(values.altitude, 3)},M,,M,,`
}

function rmc(values: Values, time: string, date: string): string {
  const valid = 'speed' in values || 'latitude' in values
  const motion = `${plain(values.speed, 3)},${plain(values.course, 2)}`
  return `GPRMC,${time},${valid ? 'A' : 'V'},${position(values)},${motion},${date},,,${valid ? 'A' : 'N'}`
}

function gsa(values: Values): string {
  return `GPGSA,A,${plain(values.fix_mode, 0)},,,,,,,,,,,,,${plain(values.pdop, 2)},,${plain(values.vdop, 2)}`
}

function position({ latitude, longitude }: Values): string {
  if (latitude === undefined || longitude === undefined) return ',,,'
  return `${formatAngle(Number(latitude), 'NS', 2)},${formatAngle(Number(longitude), 'EW', 3)}`
}

function plain(value: Value | undefined, decimals: number): string {
  return value === undefined ? '' : formatDecimal(Number(value), decimals)
}

function hex(sum: number): string {
  return sum.toString(16).toUpperCase().padStart(2, '0')
}
