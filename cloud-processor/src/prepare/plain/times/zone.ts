/** Local times in a zone of the IANA database, which Node has in ICU. */

export function isZone(name: string): boolean {
  try {
    return formatOf(name) !== undefined
  } catch {
    return false
  }
}

const halfDayMs = 43_200_000

/**
 * Epoch ms of a local time, given as if it were UTC. None: clocks were set forward over it. Two: clocks were set back, and it came
 * twice. The zone has one of the offsets that it had half a day before and after.
 */
export function instantsOf(localMs: number, zone: string): number[] {
  const quarter = Math.floor(localMs / quarterMs)
  if (last.zone === zone && last.quarter === quarter) return [localMs - last.offsetMs]
  const found = searchInstants(localMs, zone)
  if (found.length === 1) last = { zone, quarter, offsetMs: localMs - found[0]! }
  return found
}

/** Clocks are set at a whole quarter of an hour, so that the others in it have the same offset. */
const quarterMs = 900_000
let last = { zone: '', quarter: 0, offsetMs: 0 }

function searchInstants(localMs: number, zone: string): number[] {
  const offsets = new Set([-halfDayMs, 0, halfDayMs].map((shift) => offsetMsAt(localMs + shift, zone)))
  return [...offsets].map((offset) => localMs - offset).filter((ms) => offsetMsAt(ms, zone) === localMs - ms)
}

function offsetMsAt(ms: number, zone: string): number {
  const wholeMs = Math.floor(ms / 1000) * 1000
  const fields: Record<string, number> = {}
  for (const { type, value } of formatOf(zone).formatToParts(wholeMs)) fields[type] = Number(value)
  const { year, month, day, hour, minute, second } = fields as Record<
    'year' | 'month' | 'day' | 'hour' | 'minute' | 'second',
    number
  >
  return Date.UTC(year, month - 1, day, hour, minute, second) - wholeMs
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** @throws RangeError when there is no such zone. */
function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone)
  if (!format) {
    const digits = { month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', year: 'numeric', ...digits })
    formats.set(zone, format)
  }
  return format
}
