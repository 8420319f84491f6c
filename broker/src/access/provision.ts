/** Adds users to the users file, for the command line and for programs that set up a broker. */
import { randomBytes } from 'node:crypto'
import { chmod, readFile, rename, writeFile } from 'node:fs/promises'
import { MillraceError } from '@millrace/platform'
import { type Cost, defaultCost, hashPassword } from './password.ts'
import type { Role } from './policy.ts'
import { checkUser, formatUser, parseUsers } from './users-file.ts'

export interface NewUser {
  name: string
  password: string
  role: Role
  /** Of the role, see policy.ts. */
  args?: readonly string[]
  /** Of scrypt; default `defaultCost`. */
  cost?: Cost
}

/** One writer at a time, by file. */
const writing = new Map<string, Promise<void>>()

/**
 * Adds a user to the file, or replaces it; the file is made when it is not there, readable by its owner only.
 * @throws MillraceError BROKER_USER_INVALID, BROKER_USERS_INVALID.
 */
export function addUser(file: string, user: NewUser): Promise<void> {
  return inTurn(file, () => write(file, user))
}

function inTurn(file: string, change: () => Promise<void>): Promise<void> {
  const before = writing.get(file) ?? Promise.resolve()
  const done = before.catch(() => {}).then(change)
  writing.set(file, done)
  return done.finally(() => {
    if (writing.get(file) === done) writing.delete(file)
  })
}

export async function hasUser(file: string, name: string): Promise<boolean> {
  return parseUsers(await readText(file), file).has(name)
}

/**
 * Lets a user with the role `host` read these filters too; the password stays.
 * @throws MillraceError BROKER_USER_INVALID when there is no such user.
 */
export function allowFilters(file: string, name: string, filters: readonly string[]): Promise<void> {
  return inTurn(file, async () => {
    const user = parseUsers(await readText(file), file).get(name)
    if (user?.role !== 'host') throw new MillraceError('BROKER_USER_INVALID', { name, detail: `no user of role host in ${file}` })
    const args = [...new Set([...user.args, ...filters])]
    checkUser(name, user.role, args)
    await replace(file, name, formatUser({ ...user, args }))
  })
}

async function write(file: string, { name, password, role, args = [], cost = defaultCost }: NewUser): Promise<void> {
  checkUser(name, role, args)
  parseUsers(await readText(file), file)
  await replace(file, name, formatUser({ name, role, args: [...args], hash: await hashPassword(password, cost) }))
}

function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
}

async function replace(file: string, name: string, line: string): Promise<void> {
  const text = await readText(file)
  const others = text.split('\n').filter((old) => old !== '' && !old.startsWith(`${name}:`))
  const draft = `${file}.${randomBytes(4).toString('hex')}`
  await writeFile(draft, `${[...others, line].join('\n')}\n`, { mode: 0o600 })
  await chmod(draft, 0o600)
  await rename(draft, file)
}
