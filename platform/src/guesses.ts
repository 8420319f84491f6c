/** Wrong passwords of one user from one address (`key`): so many at once, then one a second. */
const atOnceMax = 10
const perSecond = 1
const keptMax = 10_000

interface Left {
  guesses: number
  atMs: number
}

export class Guesses {
  /** What is left of those that had wrong ones, the longest ago first. */
  readonly #left = new Map<string, Left>()

  /** Takes one. False: none is left. */
  take(key: string, nowMs = performance.now()): boolean {
    const { guesses, atMs } = this.#left.get(key) ?? { guesses: atOnceMax, atMs: nowMs }
    const now = Math.min(atOnceMax, guesses + ((nowMs - atMs) * perSecond) / 1000)
    const isLeft = now >= 1
    this.#keep(key, { guesses: isLeft ? now - 1 : now, atMs: nowMs })
    return isLeft
  }

  /** The password was right, or was not looked at. */
  giveBack(key: string): void {
    const left = this.#left.get(key)
    if (left) left.guesses++
  }

  #keep(key: string, left: Left): void {
    this.#left.delete(key)
    this.#left.set(key, left)
    if (this.#left.size > keptMax) this.#left.delete(this.#left.keys().next().value!)
  }
}
