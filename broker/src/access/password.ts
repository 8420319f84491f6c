/**
 * Password hashes (scrypt, RFC 7914) and their verification. scrypt is made to cost memory (4 MiB here) and time, so at most
 * two run at once, and a pair of user and password is remembered as a keyed digest: when a thousand clients come back at once, each
 * costs one HMAC, and so does a client that sends the same wrong password again and again.
 */
import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { Guesses } from '@millrace/platform'
import { Turns } from './turns.ts'

export interface PasswordHash {
  N: number
  r: number
  p: number
  salt: Buffer
  key: Buffer
}

export type Cost = Pick<PasswordHash, 'N' | 'r' | 'p'>

/**
 * RFC 7914 section 2. 4 MiB and about 50 ms: as much time as more memory would take, since malloc keeps that memory for each of
 * the pool's threads, and strangers may ask for it. Credentials of machines should be long and random anyway.
 */
export const defaultCost: Cost = { N: 4_096, r: 8, p: 5 }

const keyBytes = 32
const atOnceMax = 2
const rememberedMax = 10_000
const wrongMax = 4_096

export async function hashPassword(password: string | Buffer, cost = defaultCost): Promise<PasswordHash> {
  const salt = randomBytes(16)
  return { ...cost, salt, key: await derive(password, { ...cost, salt }, keyBytes) }
}

interface Attempt {
  hash: PasswordHash
  password: Buffer
  address: string
  user: string
}

export class Verifier {
  readonly #secret = randomBytes(32)
  /** By user name, oldest first. */
  readonly #remembered = new Map<string, Buffer>()
  readonly #nobody: PasswordHash = { ...defaultCost, salt: randomBytes(16), key: randomBytes(keyBytes) }
  /** Digests of wrong passwords, oldest first. */
  readonly #wrong = new Set<string>()
  readonly #checking = new Map<string, Promise<boolean | undefined>>()
  readonly #turns = new Turns(atOnceMax)
  readonly #guesses = new Guesses()

  /**
   * An unknown user (`undefined`) takes as long as a wrong password; all of an address are one user, so that invented names get no more
   * than one turn. @returns undefined when there were too many wrong ones from this address for this user: it was not checked
   */
  async verify(name: string, hash: PasswordHash | undefined, password: Buffer, address = ''): Promise<boolean | undefined> {
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
  #begin(digest: string, attempt: Attempt): Promise<boolean | undefined> {
    const checking = this.#check(attempt).finally(() => this.#checking.delete(digest))
    this.#checking.set(digest, checking)
    return checking
  }

  async #check({ hash, password, address, user }: Attempt): Promise<boolean | undefined> {
    const key = `${address} ${user}`
    if (!this.#guesses.take(key)) return undefined
    const turn = this.#turns.wait(address, user)
    if (!turn) {
      this.#guesses.giveBack(key)
      return undefined
    }
    await turn
    try {
      const right = timingSafeEqual(await derive(password, hash, hash.key.length), hash.key)
      if (right) this.#guesses.giveBack(key)
      return right
    } finally {
      this.#turns.end()
    }
  }

  #rememberWrong(digest: string): void {
    this.#wrong.add(digest)
    if (this.#wrong.size > wrongMax) this.#wrong.delete(this.#wrong.values().next().value!)
  }

  /** Covers the hash in the file: a changed password forgets the old one. */
  #digest(name: string, hash: PasswordHash, password: Buffer): Buffer {
    return createHmac('sha256', this.#secret).update(hash.key).update(`${name.length}:${name}`).update(password).digest()
  }

  #remember(name: string, digest: Buffer): void {
    this.#remembered.delete(name)
    this.#remembered.set(name, digest)
    const oldest = this.#remembered.size > rememberedMax ? this.#remembered.keys().next().value : undefined
    if (oldest !== undefined) this.#remembered.delete(oldest)
  }
}

function derive(password: string | Buffer, { N, r, p, salt }: Cost & { salt: Buffer }, bytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, bytes, { N, r, p, maxmem: 256 * N * r }, (error, key) => (error ? reject(error) : resolve(key)))
  })
}
