/**
 * Verification of passwords whose hashes are dear, in memory and time: at most two are checked at once, and a pair of user and password
 * is remembered as a keyed digest: when a thousand clients come back at once, each costs one HMAC, and so does a client that sends
 * the same wrong password again and again.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { Guesses } from './guesses.ts'
import { Turns } from './turns.ts'

const atOnceMax = 2
const rememberedMax = 10_000
const wrongMax = 4_096

/** The key of a password, as long as that of the hash. */
export type Derive<Hash> = (password: Buffer, hash: Hash) => Promise<Buffer>

interface Attempt<Hash> {
  hash: Hash
  password: Buffer
  address: string
  user: string
}

export class PasswordVerifier<Hash extends { key: Buffer }> {
  readonly #secret = randomBytes(32)
  /** By user name, oldest first. */
  readonly #remembered = new Map<string, Buffer>()
  readonly #derive: Derive<Hash>
  readonly #nobody: Hash
  /** Digests of wrong passwords, oldest first. */
  readonly #wrong = new Set<string>()
  readonly #checking = new Map<string, Promise<boolean | undefined>>()
  readonly #turns = new Turns(atOnceMax)
  readonly #guesses = new Guesses()

  /** @param nobody the hash that stands for users who are not known */
  constructor(derive: Derive<Hash>, nobody: Hash) {
    this.#derive = derive
    this.#nobody = nobody
  }

  /**
   * An unknown user (`undefined`) takes as long as a wrong password; all of an address are one user, so that invented names get no more
   * than one turn. Each wrong one counts against its address too, and past that no wrong one is told apart: else it would show who is known.
   * @returns undefined when there were too many wrong ones from this address
   */
  async verify(name: string, hash: Hash | undefined, password: Buffer, address = ''): Promise<boolean | undefined> {
    const digest = this.#digest(name, hash ?? this.#nobody, password)
    const remembered = this.#remembered.get(name)
    if (hash && remembered && timingSafeEqual(digest, remembered)) return true
    const key = digest.toString('base64')
    if (this.#wrong.has(key)) return false
    const attempt = { hash: hash ?? this.#nobody, password, address, user: hash ? `user ${name}` : '' }
    const right = await (this.#checking.get(key) ?? this.#begin(key, attempt))
    if (right === false) this.#rememberWrong(key)
    if (right && hash) this.#remember(name, digest)
    return right === undefined ? undefined : right && hash !== undefined
  }

  /** Of many clients that come with one password at the same time one is checked. */
  #begin(digest: string, attempt: Attempt<Hash>): Promise<boolean | undefined> {
    const checking = this.#check(attempt).finally(() => this.#checking.delete(digest))
    this.#checking.set(digest, checking)
    return checking
  }

  async #check({ hash, password, address, user }: Attempt<Hash>): Promise<boolean | undefined> {
    const key = `${address} ${user}`
    if (!this.#guesses.take(key)) return undefined
    const turn = this.#turns.wait(address, user)
    if (!turn) {
      this.#guesses.giveBack(key)
      return undefined
    }
    await turn
    try {
      const right = timingSafeEqual(await this.#derive(password, hash), hash.key)
      if (right) this.#guesses.giveBack(key)
      // Of a name that is not known it was taken before.
      return right || user === '' || this.#guesses.take(`${address} `) ? right : undefined
    } finally {
      this.#turns.end()
    }
  }

  #rememberWrong(digest: string): void {
    this.#wrong.add(digest)
    if (this.#wrong.size > wrongMax) this.#wrong.delete(this.#wrong.values().next().value!)
  }

  /** Covers the hash in the file: a changed password forgets the old one. */
  #digest(name: string, hash: Hash, password: Buffer): Buffer {
    return createHmac('sha256', this.#secret).update(hash.key).update(`${name.length}:${name}`).update(password).digest()
  }

  #remember(name: string, digest: Buffer): void {
    this.#remembered.delete(name)
    this.#remembered.set(name, digest)
    const oldest = this.#remembered.size > rememberedMax ? this.#remembered.keys().next().value : undefined
    if (oldest !== undefined) this.#remembered.delete(oldest)
  }
}
