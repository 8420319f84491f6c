/** A file of lines, in pieces that end at the end of a line. */
import { type FileHandle, open } from 'node:fs/promises'
import { MillraceError } from '@millrace/platform'

const pieceBytes = 256 << 10
/** A longer line is not of a file of lines. */
const lineBytesMax = 16 << 20
const newline = 10

export interface Piece {
  /** Without their ends. */
  lines: string[]
  /** Nothing is behind it. */
  isLast: boolean
  /** The last line has no end: the file may have been cut off there. */
  isOpen: boolean
  /** Byte of the file at which the last `count` lines begin; of none, the one behind the piece. */
  startOfLast(count: number): number
}

/**
 * From a byte on at which a line begins. A consumer that cannot use the last lines without what is behind them asks for them
 * again, by their number. The same bytes from the same place give the same pieces. What is appended in the meantime is not read.
 */
export async function* wholeLines(path: string, from: number): AsyncGenerator<Piece, void, number | undefined> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    let at = from
    for (let bytes = pieceBytes; bytes <= lineBytesMax; ) {
      const piece = await pieceOf(file, at, { bytes, size })
      if (piece?.lines.length === 0) return
      const again = piece ? ((yield piece) ?? 0) : 0
      const next = piece ? piece.startOfLast(again) : at
      bytes = next === at ? bytes * 2 : pieceBytes
      at = next
    }
    throw new MillraceError('IMPORT_FILE', { path, detail: `the line at byte ${at} is longer than ${lineBytesMax >> 20} MiB` })
  } finally {
    await file.close()
  }
}

/** Undefined: no line ends within so many bytes. */
async function pieceOf(
  file: FileHandle,
  at: number,
  { bytes, size }: { bytes: number; size: number },
): Promise<Piece | undefined> {
  const wanted = Math.min(bytes, Math.max(0, size - at))
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(wanted), 0, wanted, at)
  const isLast = at + bytesRead >= size || bytesRead < wanted
  const ended = buffer.subarray(0, bytesRead).lastIndexOf(newline) + 1
  // A line that somebody is writing is left for the next run.
  const length = isLast && (await file.stat()).size === size ? bytesRead : ended
  if (length === 0 && !isLast) return undefined
  const isOpen = length > 0 && buffer[length - 1] !== newline
  const start = at === 0 && length >= 3 && buffer.readUIntBE(0, 3) === byteOrderMark ? 3 : 0
  const text = buffer.toString('utf8', start, isOpen ? length : length - 1)
  const startOfLast = (count: number) => at + startOf(buffer.subarray(0, length), isOpen ? count - 1 : count)
  return { lines: length === 0 ? [] : text.split('\n').map(withoutReturn), isLast, isOpen, startOfLast }
}

const byteOrderMark = 0xefbbbf
const withoutReturn = (line: string) => (line.endsWith('\r') ? line.slice(0, -1) : line)

/** Of the last `count` lines that have an end, and an open one behind them. */
function startOf(bytes: Buffer, count: number): number {
  if (count < 0) return bytes.length
  let at = bytes.length
  let left = count + (bytes.at(-1) === newline ? 0 : 1)
  while (left-- > 0 && at > 0) at = bytes.lastIndexOf(newline, at - 2) + 1
  return at
}
