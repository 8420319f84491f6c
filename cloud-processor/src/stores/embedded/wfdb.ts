/** For tests: samples of a two-signal WFDB file in format 212, two 12-bit numbers in three bytes (signal(5), PhysioNet). */
export function readFormat212(bytes: Buffer): [number[], number[]] {
  const signals: [number[], number[]] = [[], []]
  for (let at = 0; at + 2 < bytes.length; at += 3) {
    const middle = bytes[at + 1]!
    signals[0].push(((bytes[at]! | ((middle & 0x0f) << 8)) << 20) >> 20)
    signals[1].push(((bytes[at + 2]! | ((middle & 0xf0) << 4)) << 20) >> 20)
  }
  return signals
}
