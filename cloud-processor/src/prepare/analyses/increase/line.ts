/**
 * Readings of a counter in the order of their times, as far as they are needed to find the place of a late one: the first, the
 * last, and between them pairs of neighbours. A point has the value, and the carry: what is added to it to make the total.
 *
 * A late reading that falls between two neighbours parts them. Where the two steps do not add up to the one that was assumed, there
 * was a reset or a round in between: the carry of everything later changes by the difference.
 *
 * Of pairs the longest are kept, `pairsMax` of them and no older than `lateMs`: outages, and not the time between two readings. A
 * reading between others was told before, or came too late.
 */

export type Point = [t: number, value: number, carry: number]
type Pair = [from: Point, to: Point]

export interface CounterMemory {
  first?: Point
  last?: Point
  /** In the order of time. */
  pairs: Pair[]
  /** Steps that are resets. */
  resets: number
  /** Steps of which the increase is not surely known. */
  unknown: number
  /** Resets and unknown steps as they were told last. */
  told?: [resets: number, unknown: number]
}

/** From one reading to the next. */
export interface Step {
  /** What the carry grows by. */
  carry: number
  isReset: boolean
  isKnown: boolean
}

interface Placed {
  point: Point
  /** The reading before it. */
  from?: Point
}

const pairsMax = 48

export class Line {
  readonly #memory: CounterMemory
  readonly #stepOf: (from: Point, to: Point) => Step
  readonly #lateMs: number

  constructor(memory: CounterMemory, stepOf: (from: Point, to: Point) => Step, lateMs: number) {
    this.#memory = memory
    this.#stepOf = stepOf
    this.#lateMs = lateMs
  }

  /** Undefined: it has no place. */
  put(t: number, value: number): Placed | undefined {
    const memory = this.#memory
    const { first, last } = memory
    const point: Point = [t, value, 0]
    if (!first || !last) {
      memory.first = memory.last = point
      return { point }
    }
    if (t > last[0]) return this.#append(last, point)
    if (t < last[0] - this.#lateMs) return undefined
    return t < first[0] ? this.#prepend(point, first) : this.#part(point)
  }

  #append(from: Point, point: Point): Placed {
    point[2] = from[2] + this.#count(from, point, 1)
    this.#memory.last = point
    this.#keep([from, point])
    return { point, from }
  }

  #prepend(point: Point, first: Point): Placed {
    point[2] = first[2] - this.#count(point, first, 1)
    this.#memory.first = point
    this.#keep([point, first])
    return { point }
  }

  #part(point: Point): Placed | undefined {
    const { pairs } = this.#memory
    const at = pairs.findIndex(([from, to]) => from[0] < point[0] && point[0] < to[0])
    if (at < 0) return undefined
    const [from, to] = pairs[at]!
    const before = this.#count(from, to, -1)
    point[2] = from[2] + this.#count(from, point, 1)
    const after = point[2] + this.#count(point, to, 1)
    this.#carry(to[0], after - (from[2] - before))
    pairs.splice(at, 1)
    this.#keep([from, point])
    this.#keep([point, [to[0], to[1], after]])
    return { point, from }
  }

  /** Counts the step, or takes it back. @returns what the carry grows by, times `sign` */
  #count(from: Point, to: Point, sign: 1 | -1): number {
    const { carry, isReset, isKnown } = this.#stepOf(from, to)
    if (isReset) this.#memory.resets += sign
    if (!isKnown) this.#memory.unknown += sign
    return sign * carry
  }

  /** Of everything from `fromMs` on. */
  #carry(fromMs: number, by: number): void {
    if (by === 0) return
    const { first, last, pairs } = this.#memory
    const points = new Set([first!, last!, ...pairs.flat()])
    for (const point of points) if (point[0] >= fromMs) point[2] += by
  }

  #keep(pair: Pair): void {
    const memory = this.#memory
    const { pairs } = memory
    const at = pairs.findLastIndex(([from]) => from[0] < pair[0][0]) + 1
    pairs.splice(at, 0, pair)
    const keptMs = memory.last![0] - this.#lateMs
    while (pairs.length > 0 && pairs[0]![1][0] < keptMs) pairs.shift()
    if (pairs.length > pairsMax) pairs.splice(shortest(pairs), 1)
  }
}

function shortest(pairs: Pair[]): number {
  let [best, least] = [0, Infinity]
  for (const [k, [from, to]] of pairs.entries()) if (to[0] - from[0] < least) [best, least] = [k, to[0] - from[0]]
  return best
}
