/**
 * Lines of an NMEA stream. A line ends with a line feed, or where a `$` or `!` begins the next one: the end of a line may be
 * lost, and its neighbour must not suffer. Empty lines are nothing, and so are TAG blocks (NMEA 4.00) with a right checksum. A line is bad as a whole, once, with its first fault. What cannot
 * become a sentence and grows old is bad without an end, which at a wrong baud rate may never come.
 */
import type { Sink } from '../decoder.ts'
import { stretchBytesMax, stretchMsMax } from '../framer.ts'

export interface LineRules {
  requireChecksum: boolean
  lineBytesMax: number
}

const lineFeed = 0x0a
const carriageReturn = 0x0d
const dollar = 0x24
const bang = 0x21
const backslash = 0x5c

/** `onLine` gets a line without its end that passed the rules, and says what else is wrong with it. */
export function createLines(rules: LineRules, onLine: (line: string, atMs: number, sink: Sink) => string | undefined) {
  const line = new Uint8Array(stretchBytesMax)
  let length = 0
  let startMs = 0
  /** Once an arrival, so that it does not matter how its bytes are cut. */
  let lookedMs = Number.NaN
  /** The line was so long that its start is reported already. */
  let overflown = false

  function end(atMs: number, sink: Sink): void {
    const whole = line.subarray(0, line[length - 1] === carriageReturn ? length - 1 : length)
    if (whole.length > 0) {
      const text = Buffer.from(whole.buffer, 0, whole.length).toString('latin1')
      const fault = overflown ? 'too-long' : (tagFaultOf(text) ?? faultOf(text, rules) ?? onLine(text, atMs, sink))
      if (fault !== undefined && fault !== 'none') sink.bad(atMs, fault, whole.slice())
    }
    length = 0
    overflown = false
  }

  /** A sentence may come in pieces: only what cannot become one is dropped. */
  function dropOld(atMs: number, sink: Sink): void {
    if (length === 0 || atMs - startMs < stretchMsMax) return
    const piece = line.slice(0, length)
    const isText = /^[\x20-\x7e\r]*$/.test(Buffer.from(piece).toString('latin1'))
    if (isText && (piece[0] === dollar || piece[0] === bang || piece[0] === backslash)) return
    sink.bad(atMs, isText ? 'malformed' : 'not-ascii', piece)
    length = 0
  }

  return {
    decode(bytes: Uint8Array, atMs: number, sink: Sink): void {
      if (atMs !== lookedMs) dropOld(atMs, sink)
      lookedMs = atMs
      for (const byte of bytes) {
        if (byte === lineFeed) end(atMs, sink)
        else {
          if (byte === dollar || byte === bang) end(atMs, sink)
          if (length === 0) startMs = atMs
          line[length++] = byte
          if (length === stretchBytesMax) {
            sink.bad(atMs, 'too-long', line.slice())
            length = 0
            overflown = true
          }
        }
      }
    },
    reset() {
      length = 0
      overflown = false
    },
  }
}

/** Of a TAG block, `none` when it is right; undefined when the line is something else. */
function tagFaultOf(line: string): string | undefined {
  const block = /^\\([\x20-\x5b\x5d-\x7e]*)\*([0-9A-Fa-f]{2})\\$/.exec(line)
  if (!block) return undefined
  return Number.parseInt(block[2]!, 16) === checksum(block[1]!) ? 'none' : 'checksum'
}

function faultOf(line: string, { requireChecksum, lineBytesMax }: LineRules): string | undefined {
  if (!/^[\x20-\x7e]*$/.test(line)) return 'not-ascii'
  if (line.length + 2 > lineBytesMax) return 'too-long'
  if (line[0] !== '$' && line[0] !== '!') return 'malformed'
  const star = line.indexOf('*')
  if (star < 0) return requireChecksum ? 'no-checksum' : undefined
  if (!/^\*[0-9A-Fa-f]{2}$/.test(line.slice(star))) return 'malformed'
  return Number.parseInt(line.slice(star + 1), 16) === checksum(line.slice(1, star)) ? undefined : 'checksum'
}

/** XOR of the characters between `$` and `*`. */
export function checksum(body: string): number {
  let sum = 0
  for (let k = 0; k < body.length; k++) sum ^= body.charCodeAt(k)
  return sum
}
