/** CRC of 8, 16 or 32 bits by its parameters, as catalogues of CRCs name them: polynomial, first value, bit order, last XOR. */
export interface CrcParameters {
  width: 8 | 16 | 32
  /** Without its highest bit, in normal order whatever `reflect` says. */
  poly: number
  init: number
  /** The least significant bit goes first, in the bytes and in the result. */
  reflect: boolean
  xorOut: number
}

type Crc = (bytes: Uint8Array, from: number, to: number) => number

/** CRC-16/ARC: DSMR P1. */
export const crc16Arc: CrcParameters = { width: 16, poly: 0x8005, init: 0, reflect: true, xorOut: 0 }
/** CRC-16/MODBUS: Modbus RTU. */
export const crc16Modbus: CrcParameters = { ...crc16Arc, init: 0xffff }
/** CRC-8/MAXIM-DOW: Zephyr, 1-Wire; its reflected polynomial is 8C. */
export const crc8Maxim: CrcParameters = { width: 8, poly: 0x31, init: 0, reflect: true, xorOut: 0 }

export function createCrc(parameters: CrcParameters): Crc {
  const { width, init, reflect, xorOut } = parameters
  const table = tableOf(parameters)
  const mask = maskOf(width)
  const first = (reflect ? reversed(init, width) : init) >>> 0
  if (reflect)
    return (bytes, from, to) => {
      let crc = first
      for (let k = from; k < to; k++) crc = (crc >>> 8) ^ table[(crc ^ bytes[k]!) & 0xff]!
      return ((crc ^ xorOut) & mask) >>> 0
    }
  return (bytes, from, to) => {
    let crc = first
    for (let k = from; k < to; k++) crc = (crc << 8) ^ table[((crc >>> (width - 8)) ^ bytes[k]!) & 0xff]!
    return ((crc ^ xorOut) & mask) >>> 0
  }
}

/** What each byte adds. */
function tableOf({ width, poly, reflect }: CrcParameters): Uint32Array {
  const [top, mask] = [2 ** (width - 1), maskOf(width)]
  const turned = reversed(poly, width)
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = reflect ? byte : byte << (width - 8)
    for (let bit = 0; bit < 8; bit++) {
      if (reflect) crc = crc & 1 ? (crc >>> 1) ^ turned : crc >>> 1
      else crc = crc & top ? (crc << 1) ^ poly : crc << 1
    }
    return (crc & mask) >>> 0
  })
}

function maskOf(width: number): number {
  return width === 32 ? 0xffffffff : 2 ** width - 1
}

function reversed(value: number, width: number): number {
  let turned = 0
  for (let bit = 0; bit < width; bit++) if (value & (1 << bit)) turned |= 1 << (width - 1 - bit)
  return turned >>> 0
}
