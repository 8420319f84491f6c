/**
 * The users file: one user a line, `#` begins a comment line.
 *
 *     user:scrypt:N:r:p:salt:hash:role[:argument[,argument...]]
 *
 * `N`, `r` and `p` are the cost of scrypt (RFC 7914), salt and hash base64. The user's name has no colon; an argument no comma. While a
 * password is replaced there are two: `salt,salt` and `hash,hash`, the older one first. Both are valid.
 */
import { MillraceError } from '@millrace/platform'
import type { Cost, PasswordHash } from './password.ts'
import { type Rights, type Role, rightsOf, roles } from './policy.ts'

export const passwordsMax = 2

export interface User {
  name: string
  role: Role
  args: string[]
  /** One, or the older and the newer one. */
  hashes: PasswordHash[]
  /** The newer one. */
  hash: PasswordHash
  rights: Rights
  /** Its line in the file: another line, another user. */
  line: string
}

/** @throws MillraceError BROKER_USERS_INVALID naming the line, BROKER_USER_INVALID naming the user. */
export function parseUsers(text: string, path: string): Map<string, User> {
  const users = new Map<string, User>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const user = parseUser(line)
    if (!user) throw new MillraceError('BROKER_USERS_INVALID', { path, line: index + 1 })
    users.set(user.name, user)
  }
  return users
}

/** @param user its passwords have one cost */
export function formatUser({ name, role, args, hashes }: Pick<User, 'name' | 'role' | 'args' | 'hashes'>): string {
  const { N, r, p } = hashes[0]!
  const [salts, keys] = [hashes.map(({ salt }) => salt.toString('base64')), hashes.map(({ key }) => key.toString('base64'))]
  const fields = [name, 'scrypt', N, r, p, salts.join(','), keys.join(','), role]
  return [...fields, ...(args.length > 0 ? [args.join(',')] : [])].join(':')
}

/** @throws MillraceError BROKER_USER_INVALID when the file could not hold them, or they do not fit the role. */
export function checkUser(name: string, role: Role, args: readonly string[]): void {
  const fail = (detail: string) => {
    throw new MillraceError('BROKER_USER_INVALID', { name, detail })
  }
  if (name === '' || name.startsWith('#') || /[:\u0000-\u001f]/.test(name)) fail('a name is not empty and has no colon')
  if (!roles.includes(role)) fail(`a role is one of ${roles.join(', ')}`)
  if (args.some((arg) => /[,\u0000-\u001f]/.test(arg))) fail('an argument has no comma')
  rightsOf(name, role, args)
}

function parseUser(line: string): User | undefined {
  const match = /^([^:]+):scrypt:(\d+):(\d+):(\d+):([\w+/=,]+):([\w+/=,]+):(\w+)(?::(.*))?$/.exec(line)
  if (!match) return undefined
  const [name, N, r, p, salts, keys, role] = match.slice(1) as [string, string, string, string, string, string, Role]
  const args = match[8] ? match[8].split(',') : []
  const cost = { N: Number(N), r: Number(r), p: Number(p) }
  const hashes = hashesOf(cost, salts.split(','), keys.split(','))
  if (!roles.includes(role) || !hashes?.every(isPayable)) return undefined
  return { name, role, args, hashes, hash: hashes.at(-1)!, rights: rightsOf(name, role, args), line }
}

function hashesOf(cost: Cost, salts: string[], keys: string[]): PasswordHash[] | undefined {
  if (salts.length !== keys.length || salts.length > passwordsMax) return undefined
  return salts.map((salt, at) => ({ ...cost, salt: Buffer.from(salt, 'base64'), key: Buffer.from(keys[at]!, 'base64') }))
}

/** A cost that would not fit into memory is a mistake in the file. */
function isPayable({ N, r, p, salt, key }: PasswordHash): boolean {
  const isPower = N > 1 && (N & (N - 1)) === 0
  return isPower && N <= 2 ** 17 && r >= 1 && r <= 16 && p >= 1 && p <= 16 && salt.length >= 8 && key.length >= 16
}
