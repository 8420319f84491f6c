/**
 * Whose notification is given up when too many wait. One device's to one receiver are a source: the source that has most loses first
 * when it has more than its share, and of it the least urgent. Where none has, the least urgent of all are given up, of these again the
 * source that has most. So a flood takes places from itself, and what is urgent none from what is less so by its number alone.
 * Every call is O(1): sources are kept by how much they have.
 */

export interface Place {
  /** 0 is the most urgent. */
  urgency: number
  target: string
  device: string
}

/** A source that has no more than this is not one that floods. */
const shareMin = 2
const shareOf = (queueMax: number) => Math.max(shareMin, Math.ceil(queueMax / 16))

export class Shares {
  readonly #all = new Ranking()
  readonly #byUrgency = [new Ranking(), new Ranking(), new Ranking()]

  add(place: Place): void {
    this.#move(place, 1)
  }

  remove(place: Place): void {
    this.#move(place, -1)
  }

  #move({ urgency, target, device }: Place, by: 1 | -1): void {
    const source = JSON.stringify([target, device])
    this.#all.move(source, by)
    this.#byUrgency[urgency]!.move(source, by)
  }

  /** Of which one is to be given up. Something must wait. */
  victim(queueMax: number): Place {
    const { most, source } = this.#all.first()
    const isFlood = most > shareOf(queueMax)
    const urgency = this.#byUrgency.findLastIndex((ranking) => (isFlood ? ranking.has(source) : ranking.size > 0))
    const [target, device] = JSON.parse(isFlood ? source : this.#byUrgency[urgency]!.first().source)
    return { urgency, target, device }
  }
}

/** Sources by how many they have. */
class Ranking {
  readonly #counts = new Map<string, number>()
  readonly #bySize = new Map<number, Set<string>>()
  #most = 0

  get size(): number {
    return this.#counts.size
  }

  has(source: string): boolean {
    return this.#counts.has(source)
  }

  /** The one that has had so many for longest. */
  first(): { most: number; source: string } {
    return { most: this.#most, source: this.#bySize.get(this.#most)!.keys().next().value! }
  }

  move(source: string, by: 1 | -1): void {
    const former = this.#counts.get(source) ?? 0
    const count = former + by
    this.#leave(source, former)
    if (count === 0) this.#counts.delete(source)
    else this.#enter(source, count)
    this.#most = Math.max(this.#most, count)
    if (!this.#bySize.has(this.#most)) this.#most--
  }

  #enter(source: string, count: number): void {
    this.#counts.set(source, count)
    const beside = this.#bySize.get(count)
    if (beside) beside.add(source)
    else this.#bySize.set(count, new Set([source]))
  }

  #leave(source: string, count: number): void {
    const beside = this.#bySize.get(count)
    beside?.delete(source)
    if (beside?.size === 0) this.#bySize.delete(count)
  }
}
