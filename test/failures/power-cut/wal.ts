/**
 * What a power cut left at the end of a write-ahead log (https://sqlite.org/fileformat2.html#the_write_ahead_log):
 *
 *     0   32-byte header: magic 0x377f0682 or ..83 (big-endian checksums), version, page size, sequence, salt 1, salt 2, checksum
 *     32  frames: page number, pages in the database after this commit or 0, salt 1, salt 2, checksum 1, checksum 2, page
 *
 * A frame counts when its salts are the header's and its checksum continues the last one's; the log ends at its last commit.
 * What lies behind is either of an earlier round of the log, whole with other salts, or torn.
 */
import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'

export interface WalTail {
  /** Up to the last commit. */
  frames: number
  /** Frames behind it that the interrupted transaction left: without a commit, cut short, or not as their checksum says. */
  torn: number
  /** Where the last commit ends. */
  endBytes: number
  frameBytes: number
}

/**
 * Does what a disk may with writes that it was not yet asked to sync: behind the last commit one frame with the right salts
 * and a wrong checksum, and half of another. False when there is no log to do it to.
 */
export function tear(path: string): boolean {
  const { endBytes, frameBytes, frames } = walTail(path)
  if (frames === 0) return false
  const frame = readFileSync(path).subarray(endBytes - frameBytes, endBytes)
  const torn = Buffer.concat([frame, frame.subarray(0, frameBytes >> 1)])
  torn[frameBytes - 1]! ^= 0x55
  const fd = openSync(path, 'r+')
  writeSync(fd, torn, 0, torn.length, endBytes)
  ftruncateSync(fd, endBytes + torn.length)
  closeSync(fd)
  return true
}

export function walTail(path: string): WalTail {
  const wal = existsSync(path) ? readFileSync(path) : Buffer.alloc(0)
  if (wal.length < 32) return { frames: 0, torn: wal.length > 0 ? 1 : 0, endBytes: 32, frameBytes: 0 }
  const frameBytes = 24 + wal.readUInt32BE(8)
  const isBig = (wal.readUInt32BE(0) & 1) === 1
  let sum = checksum(wal.subarray(0, 24), [0, 0], isBig)
  let frames = 0
  let whole = 0
  let at = 32
  for (; at + frameBytes <= wal.length; at += frameBytes) {
    if (!isOfThisRound(wal, at)) break
    const next = checksum(wal.subarray(at + 24, at + frameBytes), checksum(wal.subarray(at, at + 8), sum, isBig), isBig)
    if (next[0] !== wal.readUInt32BE(at + 16) || next[1] !== wal.readUInt32BE(at + 20)) break
    sum = next
    whole++
    if (wal.readUInt32BE(at + 4) !== 0) frames = whole
  }
  let torn = whole - frames
  for (; at + 24 <= wal.length; at += frameBytes)
    if (isOfThisRound(wal, at) || wal.readUInt32BE(at) === 0 || at + frameBytes > wal.length) torn++
  return { frames, torn, endBytes: 32 + frames * frameBytes, frameBytes }
}

function isOfThisRound(wal: Buffer, at: number): boolean {
  return wal.compare(wal, 16, 24, at + 8, at + 16) === 0
}

function checksum(bytes: Buffer, [first, second]: [number, number], isBig: boolean): [number, number] {
  let [a, b] = [first, second]
  for (let k = 0; k < bytes.length; k += 8) {
    a = (a + b + (isBig ? bytes.readUInt32BE(k) : bytes.readUInt32LE(k))) >>> 0
    b = (b + a + (isBig ? bytes.readUInt32BE(k + 4) : bytes.readUInt32LE(k + 4))) >>> 0
  }
  return [a, b]
}
