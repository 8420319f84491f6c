/**
 * Where a frame of a Cyton starts, and whose inputs it has.
 *
 * `A0` and `Cx` also occur as data. So a frame is taken at the start, where its sample number follows from the last one and
 * the bytes between, and else when the next frame follows it with the next number.
 *
 * With a Daisy two boards share the line, in one of two arrangements, which the first frames show:
 *
 *   alternating  over the dongle: every frame has the next number; odd ones are the Cyton's, even ones the Daisy's
 *   pairs        over the WiFi shield: two frames of one number, the Cyton's and then the Daisy's; half a pair is dropped
 */
export const frameBytes = 33
const start = 0xa0

export type Board = 'cyton' | 'cyton-daisy'
type Arrangement = 'single' | 'alternating' | 'pairs'

export class Frames {
  readonly #board: Board
  #arrangement: Arrangement | undefined
  /** Sample number of the last frame. */
  #number = -1
  /** Frames of a plain Cyton in a row of which each had the number of the one before it or the next: a WiFi shield with a Daisy. */
  #twins = 0

  constructor(board: Board) {
    this.#board = board
    this.reset()
  }

  reset(): void {
    this.#arrangement = this.#board === 'cyton' ? 'single' : undefined
    this.#number = -1
    this.#twins = 0
  }

  /** Whether two boards are on the line of one. */
  get isTwinned(): boolean {
    return this.#twins >= 2
  }

  /** See `Match` of the framer. */
  match(buffer: Uint8Array, from: number, end: number, skipped: number): number {
    if (buffer[from] !== start) return -1
    if (end - from < frameBytes) return 0
    if (!hasFrame(buffer, from)) return -1
    if (this.#arrangement === undefined) return firstMatch(buffer, from, end, skipped)
    const length = this.#arrangement === 'pairs' ? 2 * frameBytes : frameBytes
    if (end - from < length) return 0
    if (this.#arrangement === 'pairs' && !isPair(buffer, from)) return -1
    if (this.#follows(buffer[from + 1]!, skipped, length)) return length
    return confirmed(buffer, from, end, length)
  }

  /** Whether this sample number fits the bytes skipped since the last frame, a few frames more or less. */
  #follows(found: number, skipped: number, length: number): boolean {
    if (this.#number < 0) return skipped === 0
    return this.#lostBefore(found) <= (skipped === 0 ? 16 : skipped / length + 3)
  }

  #lostBefore(found: number): number {
    return (distance(this.#number, found) + 255) % 256
  }

  /** Takes the frame over. Returns how many were lost before it. */
  take(buffer: Uint8Array, from: number, length: number, skipped: number): number {
    const found = buffer[from + 1]!
    this.#arrangement ??= length === frameBytes ? 'alternating' : 'pairs'
    const lost = this.#number < 0 ? 0 : this.#lostBefore(found)
    if (this.#arrangement === 'single') this.#watchTwins(found, skipped)
    this.#number = found
    return lost
  }

  #watchTwins(found: number, skipped: number): void {
    if (found === this.#number && skipped === 0) this.#twins++
    else if (distance(this.#number, found) !== 1) this.#twins = 0
  }

  /** Where in the sample the inputs of a frame are: of the Cyton at 0, of the Daisy at 8. */
  firstInput(buffer: Uint8Array, from: number): number {
    return this.#arrangement === 'alternating' && buffer[from + 1]! % 2 === 0 ? 8 : 0
  }
}

/** Of a board with a Daisy whose arrangement is not known: a pair at once; else three frames tell half a pair from the next number. */
function firstMatch(buffer: Uint8Array, from: number, end: number, skipped: number): number {
  const next = from + frameBytes
  if (end - from < 2 * frameBytes) return 0
  if (isPair(buffer, from)) return skipped === 0 ? 2 * frameBytes : confirmed(buffer, from, end, 2 * frameBytes)
  if (end - from < 3 * frameBytes) return 0
  const isAlternating = [from, next].every((at) => confirmed(buffer, at, end, frameBytes) > 0)
  return isAlternating ? frameBytes : -1
}

/** When the next one follows it. */
function confirmed(buffer: Uint8Array, from: number, end: number, length: number): number {
  const next = from + length
  if (end - from < length + frameBytes) return 0
  return hasFrame(buffer, next) && distance(buffer[from + 1]!, buffer[next + 1]!) === 1 ? length : -1
}

function isPair(buffer: Uint8Array, from: number): boolean {
  const second = from + frameBytes
  return hasFrame(buffer, second) && buffer[from + 1] === buffer[second + 1]
}

function hasFrame(buffer: Uint8Array, from: number): boolean {
  return buffer[from] === start && (buffer[from + frameBytes - 1]! & 0xf0) === 0xc0
}

function distance(from: number, to: number): number {
  return (to - from + 256) % 256
}
