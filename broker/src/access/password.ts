/**
 * Password hashes (scrypt, RFC 7914). scrypt is made to cost memory (4 MiB here) and time; @millrace/platform bounds how many are checked
 * at once.
 */
import { randomBytes, scrypt } from 'node:crypto'
import { PasswordVerifier } from '@millrace/platform'

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

/** By what people and the record of use name a password: the beginning of its salt, which says nothing of it. */
export const passwordId = ({ salt }: Pick<PasswordHash, 'salt'>) => salt.toString('hex').slice(0, 8)

export async function hashPassword(password: string | Buffer, cost = defaultCost): Promise<PasswordHash> {
  const salt = randomBytes(16)
  return { ...cost, salt, key: await derive(password, { ...cost, salt }, keyBytes) }
}

export class Verifier extends PasswordVerifier<PasswordHash> {
  constructor() {
    super((password, hash) => derive(password, hash, hash.key.length), {
      ...defaultCost,
      salt: randomBytes(16),
      key: randomBytes(keyBytes),
    })
  }
}

function derive(password: string | Buffer, { N, r, p, salt }: Cost & { salt: Buffer }, bytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, bytes, { N, r, p, maxmem: 256 * N * r }, (error, key) => (error ? reject(error) : resolve(key)))
  })
}
