/** Adds users to the users file, for the command line and for programs that set up a broker. */
import { randomBytes } from 'node:crypto'
import { chmod, readFile, rename, writeFile } from 'node:fs/promises'
import { MillraceError } from '@millrace/platform'
import { type Cost, defaultCost, hashPassword, type PasswordHash, passwordId } from './password.ts'
import { readUse } from './password-use.ts'
import type { Role } from './policy.ts'
import { checkUser, formatUser, parseUsers, passwordsMax, type User } from './users-file.ts'

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

/**
 * A second password for a user, beside the one that it has; its clients stay connected.
 * @throws MillraceError BROKER_USER_INVALID when there is no such user, or it has two.
 */
export function addPassword(file: string, name: string, password: string): Promise<void> {
  return changePasswords(file, name, async (user) => {
    if (user.hashes.length >= passwordsMax)
      throw new MillraceError('BROKER_USER_INVALID', {
        name,
        detail: 'it has two passwords; end one with `millrace-broker retire`',
      })
    const { N, r, p } = user.hash
    return [...user.hashes, await hashPassword(password, { N, r, p })]
  })
}

/**
 * Ends one of a user's two passwords, by its id; absent: the older one. What was opened with it is closed.
 * @param mayBeUnused the one that stays need not have been used
 * @throws MillraceError BROKER_USER_INVALID
 * @returns the id of the one that ended
 */
export async function retirePassword(file: string, name: string, given: { id?: string | undefined; mayBeUnused: boolean }) {
  let ended = ''
  const used = await readUse(file)
  await changePasswords(file, name, async ({ hashes }) => {
    const fail = (detail: string): never => {
      throw new MillraceError('BROKER_USER_INVALID', { name, detail })
    }
    if (hashes.length < 2) fail('it has one password only; add another with `millrace-broker passwd --add`')
    ended = given.id ?? passwordId(hashes[0]!)
    const left = hashes.filter((hash) => passwordId(hash) !== ended)
    if (left.length !== 1) fail(`none of its passwords is ${ended}; \`millrace-broker passwords\` lists them`)
    const id = passwordId(left[0]!)
    if (!given.mayBeUnused && used.lastMs(name, id) === undefined)
      fail(
        `the password that would stay, ${id}, was never used, by the record that the broker writes once a minute; with --unused it stays alone all the same`,
      )
    return left
  })
  return ended
}

function changePasswords(file: string, name: string, change: (user: User) => Promise<PasswordHash[]>): Promise<void> {
  return inTurn(file, async () => {
    const user = parseUsers(await readText(file), file).get(name)
    if (!user) throw new MillraceError('BROKER_USER_INVALID', { name, detail: `no such user in ${file}` })
    await replace(file, name, formatUser({ ...user, hashes: await change(user) }))
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
  await replace(file, name, formatUser({ name, role, args: [...args], hashes: [await hashPassword(password, cost)] }))
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
