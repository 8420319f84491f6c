/**
 * Password hashes (scrypt, RFC 7914) and their verification. scrypt is made to cost memory (4 MiB here) and time, so at most
 * two run at once, and a pair of user and password that was right is remembered as a keyed digest: when a thousand clients
 * come back at once, each costs one HMAC.
 */
import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

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

export async function hashPassword(password: string | Buffer, cost = defaultCost): Promise<PasswordHash> {
  const salt = randomBytes(16)
  return { ...cost, salt, key: await derive(password, { ...cost, salt }, keyBytes) }
}

export class Verifier {
  readonly #secret = randomBytes(32)
  /** By user name, oldest first. */
  readonly #remembered = new Map<string, Buffer>()
  readonly #nobody: PasswordHash = { ...defaultCost, salt: randomBytes(16), key: randomBytes(keyBytes) }
  readonly #waiting: (() => void)[] = []
  #running = 0

  /** An unknown user (`undefined`) takes as long as a wrong password. */
  async verify(name: string, hash: PasswordHash | undefined, password: Buffer): Promise<boolean> {
    const digest = hash && this.#digest(name, hash, password)
    const remembered = this.#remembered.get(name)
    if (digest && remembered && timingSafeEqual(digest, remembered)) return true
    const right = await this.#derive(hash ?? this.#nobody, password)
    if (right && digest) this.#remember(name, digest)
    return right && hash !== undefined
  }

  async #derive(hash: PasswordHash, password: Buffer): Promise<boolean> {
    if (this.#running >= atOnceMax) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#running++
    try {
      return timingSafeEqual(await derive(password, hash, hash.key.length), hash.key)
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running--
    }
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
