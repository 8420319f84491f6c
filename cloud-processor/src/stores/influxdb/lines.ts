/**
 * Lines to be sent, one after the other in one piece of memory, and where each begins: a string for each line would be the
 * greater part of what the garbage collector has to do.
 */
export interface Lines {
  readonly count: number
  /** Lines `from` up to, not including, `to`, with their line ends. */
  bytes(from: number, to: number): Buffer
  text(line: number): string
}

export interface LineWriter extends Lines {
  /** Adds a line of which the beginning was spelled before. `isPlain`: the rest is ASCII. */
  add(prefix: Uint8Array, rest: string, isPlain: boolean): void
}

export function createLines(): LineWriter {
  let buffer = Buffer.allocUnsafeSlow(1 << 16)
  let at = 0
  const ends: number[] = []
  const startOf = (line: number) => (line === 0 ? 0 : ends[line - 1]!)

  function makeRoom(bytes: number): void {
    if (at + bytes <= buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(buffer.length * 2, at + bytes))
    larger.set(buffer.subarray(0, at))
    buffer = larger
  }

  return {
    get count() {
      return ends.length
    },
    bytes: (from, to) => buffer.subarray(startOf(from), startOf(to)),
    text: (line) => buffer.toString('utf8', startOf(line), ends[line]! - 1),
    add(prefix, rest, isPlain) {
      makeRoom(prefix.length + rest.length * 3 + 1)
      buffer.set(prefix, at)
      at += prefix.length
      at += buffer.write(rest, at, isPlain ? 'latin1' : 'utf8')
      buffer[at++] = lineEnd
      ends.push(at)
    },
  }
}

const lineEnd = 10
const nothing = new Uint8Array(0)

export function linesOf(texts: string[]): Lines {
  const lines = createLines()
  for (const text of texts) lines.add(nothing, text, false)
  return lines
}
