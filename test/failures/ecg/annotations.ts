/**
 * Beats of an MIT annotation file. Source: WFDB Applications Guide, annot(5), https://physionet.org/physiotools/wag/annot-5.htm
 *
 * Two bytes an annotation, little-endian: 6 bits code, 10 bits samples since the one before. SKIP (59) has four bytes more, a longer
 * time; AUX (63) has as many bytes of text as it says, made even; NUM, SUB and CHN (60 to 62) move nothing; 0 ends the file.
 */
import { readFileSync } from 'node:fs'

/** N L R a V F J A S E j / Q e n B f r ?: what `wfdb` counts as a QRS complex. */
const beatCodes = new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 25, 30, 34, 35, 38, 41])

/** Sample numbers. */
export function readBeats(path: string): number[] {
  const bytes = readFileSync(path)
  const beats: number[] = []
  let sample = 0
  for (let at = 0; at + 1 < bytes.length; ) {
    const word = bytes.readUInt16LE(at)
    const [code, by] = [word >> 10, word & 1023]
    at += 2
    if (word === 0) break
    if (code === 59) {
      sample += (bytes.readUInt16LE(at) << 16) | bytes.readUInt16LE(at + 2)
      at += 4
    } else if (code === 63) at += by + (by & 1)
    else if (code < 60) {
      sample += by
      if (beatCodes.has(code)) beats.push(sample)
    }
  }
  return beats
}
