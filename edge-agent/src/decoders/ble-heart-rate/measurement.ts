/** The value of the characteristic 0x2A37, Heart Rate Measurement; its layout is in ble-heart-rate.ts. */
export interface Measurement {
  heartRate: number
  /** Undefined: the sensor cannot tell. */
  contact: boolean | undefined
  energy: number | undefined
  /** 1/1024 s, the oldest first. */
  intervals: number[]
}

const flag = { wide: 0x01, contact: 0x02, contactKnown: 0x04, energy: 0x08, intervals: 0x10 }
/** Of a notification with the default ATT MTU of 23: seven R-R intervals and energy, more than a second has. */
const valueBytesMax = 20

/** Whether a value of so many bytes may begin with these flags. */
export function isShaped(flags: number, bytes: number): boolean {
  const tail = bytes - startOf(flags)
  if (flags > 0x1f || bytes > valueBytesMax || tail < 0) return false
  return flags & flag.intervals ? tail > 0 && tail % 2 === 0 : tail === 0
}

/** Where the R-R intervals are. */
function startOf(flags: number): number {
  return rateEnd(flags) + (flags & flag.energy ? 2 : 0)
}

function rateEnd(flags: number): number {
  return flags & flag.wide ? 3 : 2
}

/** Undefined: these bytes are not such a value. */
export function readMeasurement(bytes: Uint8Array): Measurement | undefined {
  const flags = bytes[0] ?? 0xff
  if (!isShaped(flags, bytes.length)) return undefined
  const start = startOf(flags)
  const intervals = Array.from({ length: (bytes.length - start) / 2 }, (_, k) => wordAt(bytes, start + 2 * k))
  return {
    heartRate: flags & flag.wide ? wordAt(bytes, 1) : bytes[1]!,
    contact: flags & flag.contactKnown ? (flags & flag.contact) !== 0 : undefined,
    energy: flags & flag.energy ? wordAt(bytes, rateEnd(flags)) : undefined,
    intervals,
  }
}

export function writeMeasurement({ heartRate, contact, energy, intervals }: Measurement): Uint8Array {
  const isWide = heartRate > 255
  const flags =
    (isWide ? flag.wide : 0) |
    (contact === undefined ? 0 : flag.contactKnown | (contact ? flag.contact : 0)) |
    (energy === undefined ? 0 : flag.energy) |
    (intervals.length > 0 ? flag.intervals : 0)
  const words = [...(energy === undefined ? [] : [energy]), ...intervals]
  const rate = isWide ? bytesOf(heartRate) : [heartRate]
  return Uint8Array.from([flags, ...rate, ...words.flatMap(bytesOf)])
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8)
}

function bytesOf(word: number): number[] {
  return [word & 0xff, word >> 8]
}
