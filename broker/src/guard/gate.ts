/**
 * Shares the broker's turns among publishers. In one turn of the event loop at most `turnBytes` are taken from all of them
 * together; who comes later waits for the next turn, first come first served. While a subscriber's buffer is over its bound
 * the gate is shut: nothing is dropped, the publishers' own sockets fill up instead. So what the broker holds for a subscriber
 * stays within its bound and a few turns.
 */
export class Gate {
  readonly #turnBytes: number
  #left: number
  #turn: NodeJS.Immediate | undefined
  #shutBy = 0
  #waiting: (() => void)[] = []

  constructor(turnBytes: number) {
    this.#turnBytes = turnBytes
    this.#left = turnBytes
  }

  /** True when bytes may be taken now; their number is then told to `took`. */
  get open(): boolean {
    return this.#shutBy === 0 && this.#left > 0
  }

  took(bytes: number): void {
    this.#left -= bytes
    this.#turn ??= setImmediate(() => this.#nextTurn())
  }

  /** Calls once, when the gate is open again. */
  wait(call: () => void): void {
    this.#waiting.push(call)
  }

  /** A subscriber's buffer is over its bound; each `shut` needs one `unshut`. */
  shut(): void {
    this.#shutBy++
  }

  unshut(): void {
    this.#shutBy--
    this.#turn ??= setImmediate(() => this.#nextTurn())
  }

  #nextTurn(): void {
    this.#turn = undefined
    this.#left = this.#turnBytes
    const waiting = this.#waiting
    this.#waiting = []
    for (const [index, call] of waiting.entries()) {
      if (!this.open) {
        this.#waiting = [...waiting.slice(index), ...this.#waiting]
        return
      }
      call()
    }
  }
}
