/**
 * Whose password is checked next. Checks are dear, so few run at once, and those that wait take turns: the addresses in turn, and of an
 * address its users. Who sends many waits behind their own.
 */
/** As many of a user as it has guesses (guesses.ts): fewer would refuse some of them, and show whose turn was shared. */
const waitingMax = { user: 10, address: 128 }

type Waiting = Map<string, (() => void)[]>

export class Turns {
  readonly #atOnceMax: number
  /** By address, then by user; the first is next. */
  readonly #addresses = new Map<string, Waiting>()
  #running = 0

  constructor(atOnceMax: number) {
    this.#atOnceMax = atOnceMax
  }

  /** Resolves when it is its turn, which `end` ends. Undefined: too many of this user, or of this address, wait already. */
  wait(address: string, user: string): Promise<void> | undefined {
    if (this.#running < this.#atOnceMax) {
      this.#running++
      return Promise.resolve()
    }
    const users: Waiting = this.#addresses.get(address) ?? new Map()
    const own = users.get(user) ?? []
    if (own.length >= waitingMax.user || (own.length > 0 && sum(users) >= waitingMax.address)) return undefined
    this.#addresses.set(address, users.set(user, own))
    return new Promise((resolve) => own.push(resolve))
  }

  end(): void {
    const next = this.#takeNext()
    if (next) next()
    else this.#running--
  }

  /** Who had a turn goes behind the others. */
  #takeNext(): (() => void) | undefined {
    const [[address, users] = []] = this.#addresses
    if (address === undefined || !users) return undefined
    this.#addresses.delete(address)
    const [user, own] = [...users][0]!
    users.delete(user)
    const next = own.shift()
    if (own.length > 0) users.set(user, own)
    if (users.size > 0) this.#addresses.set(address, users)
    return next
  }
}

function sum(users: Waiting): number {
  let count = 0
  for (const own of users.values()) count += own.length
  return count
}
