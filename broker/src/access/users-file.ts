/**
 * The users file: one user a line, `#` begins a comment line.
 *
 *     user:scrypt:N:r:p:salt:hash:role[:argument[,argument...]]
 *
 * `N`, `r` and `p` are the cost of scrypt (RFC 7914), salt and hash base64. The user's name has no colon; an argument no comma.
 */
import { MillraceError } from '@millrace/platform'
import type { PasswordHash } from './password.ts'
import { type Rights, type Role, rightsOf, roles } from './policy.ts'

export interface User {
  name: string
  role: Role
  args: string[]
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

export function formatUser({ name, role, args, hash }: Omit<User, 'rights' | 'line'>): string {
  const { N, r, p, salt, key } = hash
  const fields = [name, 'scrypt', N, r, p, salt.toString('base64'), key.toString('base64'), role]
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
  const match = /^([^:]+):scrypt:(\d+):(\d+):(\d+):([\w+/=]+):([\w+/=]+):(\w+)(?::(.*))?$/.exec(line)
  if (!match) return undefined
  const [name, N, r, p, salt, key, role] = match.slice(1) as [string, string, string, string, string, string, Role]
  const args = match[8] ? match[8].split(',') : []
  const hash = { N: Number(N), r: Number(r), p: Number(p), salt: Buffer.from(salt, 'base64'), key: Buffer.from(key, 'base64') }
  if (!roles.includes(role) || !isPayable(hash)) return undefined
  return { name, role, args, hash, rights: rightsOf(name, role, args), line }
}

/** A cost that would not fit into memory is a mistake in the file. */
function isPayable({ N, r, p, salt, key }: PasswordHash): boolean {
  const isPower = N > 1 && (N & (N - 1)) === 0
  return isPower && N <= 2 ** 17 && r >= 1 && r <= 16 && p >= 1 && p <= 16 && salt.length >= 8 && key.length >= 16
}
