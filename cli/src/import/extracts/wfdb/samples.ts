/**
 * Samples of the formats of WFDB, signal(5), https://physionet.org/physiotools/wag/signal-5.htm
 *
 *   16    16 bits, little-endian; -32768 stands for none
 *   212   two samples of 12 bits in three bytes: low byte of the first, high nibbles (first in the low one), low byte of the second;
 *         -2048 stands for none
 */
interface Format {
  bytesOf(samples: number): number
  /** Sample `k` of the bytes, from the start of a block. */
  at(bytes: Buffer, k: number): number
  none: number
}

export const formats: ReadonlyMap<number, Format> = new Map([
  [16, { bytesOf: (samples: number) => samples * 2, at: (bytes: Buffer, k: number) => bytes.readInt16LE(k * 2), none: -32768 }],
  [212, { bytesOf: (samples: number) => Math.ceil((samples * 3) / 2), at: at212, none: -2048 }],
])

function at212(bytes: Buffer, k: number): number {
  const at = (k >> 1) * 3
  const high = bytes[at + 1]!
  const raw = k % 2 === 0 ? bytes[at]! | ((high & 0x0f) << 8) : bytes[at + 2]! | ((high & 0xf0) << 4)
  return raw > 2047 ? raw - 4096 : raw
}
