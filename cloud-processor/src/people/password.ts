/**
 * Passwords of people: argon2id (RFC 9106), as a text in the usual form, `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<key>`. A hash of lower cost
 * than ours, or by scrypt (`scrypt:N:r:p:salt:key`, as in a broker's users file), is still right, and is made again at the next login.
 */
import { argon2, randomBytes, scrypt } from 'node:crypto'
import { MillraceError, PasswordVerifier } from '@millrace/platform'

/** OWASP's second choice: 19 MiB, two passes. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 }
const keyBytes = 32
const lengths = { least: 10, most: 256 }

interface Hash {
  key: Buffer
  salt: Buffer
  by: { memory: number; passes: number; parallelism: number } | { N: number; r: number; p: number }
}

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const key = await derive(Buffer.from(password), { key: Buffer.alloc(keyBytes), salt, by: cost })
  return `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${plain(salt)}$${plain(key)}`
}

/** Whether it should be made again, by today's cost. */
export const isOutdated = (text: string) =>
  !text.startsWith(`$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$`)

export class Verifier {
  readonly #verifier = new PasswordVerifier<Hash>(derive, { key: randomBytes(keyBytes), salt: randomBytes(16), by: cost })

  /** @returns undefined when there were too many wrong ones before */
  verify(name: string, hash: string | undefined, password: string, address: string): Promise<boolean | undefined> {
    const known = hash === undefined ? undefined : parse(hash)
    return this.#verifier.verify(name, known, Buffer.from(password.slice(0, lengths.most)), address)
  }
}

/** @throws MillraceError PEOPLE_INVALID */
export function checkPassword(password: string, name: string): void {
  const fault =
    password.length < lengths.least
      ? `a password of ${password.length} characters: at least ${lengths.least}`
      : password.length > lengths.most
        ? `a password of ${password.length} characters: at most ${lengths.most}`
        : password.toLowerCase().includes(name.toLowerCase()) && name.length > 3
          ? 'a password with the name in it: take another'
          : undefined
  if (fault !== undefined) throw new MillraceError('PEOPLE_INVALID', { detail: fault })
}

function parse(text: string): Hash | undefined {
  const argon = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/.exec(text)
  if (argon) {
    const [memory, passes, parallelism] = argon.slice(1, 4).map(Number) as [number, number, number]
    return { by: { memory, passes, parallelism }, salt: bytes(argon[4]!), key: bytes(argon[5]!) }
  }
  const older = /^scrypt:(\d+):(\d+):(\d+):([\w+/=]+):([\w+/=]+)$/.exec(text)
  if (!older) return undefined
  const [N, r, p] = older.slice(1, 4).map(Number) as [number, number, number]
  return { by: { N, r, p }, salt: bytes(older[4]!), key: bytes(older[5]!) }
}

const bytes = (text: string) => Buffer.from(text, 'base64')
const plain = (from: Buffer) => from.toString('base64').replace(/=+$/, '')

function derive(message: Buffer, { by, salt, key }: Hash): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const done = (error: Error | null, made: Buffer) => (error ? reject(error) : resolve(made))
  if ('N' in by) scrypt(message, salt, key.length, { ...by, maxmem: 256 * by.N * by.r }, done)
  else argon2('argon2id', { message, nonce: salt, tagLength: key.length, ...by }, done)
  return promise
}
