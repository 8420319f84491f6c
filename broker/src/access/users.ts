/** The users file as the running broker sees it: read again when it changes, so credentials rotate without a restart. */
import { readFile, stat } from 'node:fs/promises'
import { type Clock, every, type Log, MillraceError } from '@millrace/contract/service'
import { parseUsers, type User } from './users-file.ts'

export interface Users {
  get(name: string): User | undefined
  /** Looks at the file now. */
  reload(): Promise<void>
  /** Called with the names of users who were removed or changed. */
  onChange(call: (names: Set<string>) => void): void
  close(): void
}

const lookEveryMs = 1_000

/** No path: nobody. A file that became unreadable or wrong changes nothing and is said once. @throws MillraceError at the first reading. */
export async function openUsers(path: string | undefined, { clock, log }: { clock: Clock; log: Log }): Promise<Users> {
  let users = new Map<string, User>()
  let seen = ''
  let said = ''
  const changed: ((names: Set<string>) => void)[] = []

  const load = async () => {
    if (path === undefined) return
    const version = await versionOf(path)
    if (version === seen) return
    const next = parseUsers(await readFile(path, 'utf8'), path)
    const names = new Set([...users.values()].filter((user) => next.get(user.name)?.line !== user.line).map((user) => user.name))
    users = next
    seen = version
    said = ''
    if (names.size > 0) for (const call of changed) call(names)
  }
  const reload = async () => {
    await load().catch((error: Error) => {
      if (error.message !== said) log.warn('users file kept as it was', { error })
      said = error.message
    })
  }
  await load().catch((cause) => {
    throw cause instanceof MillraceError ? cause : new MillraceError('BROKER_USERS_NOT_FOUND', { path: path! }, cause)
  })
  const stop = path === undefined ? () => {} : every(clock, lookEveryMs, () => void reload())
  return {
    get: (name) => users.get(name),
    reload,
    onChange(call) {
      changed.push(call)
    },
    close: stop,
  }
}

async function versionOf(path: string): Promise<string> {
  const { ino, mtimeMs, size } = await stat(path)
  return `${ino} ${mtimeMs} ${size}`
}
