/** The users file as the running broker sees it: read again when it changes, so credentials rotate without a restart. */
import { type Clock, type Log, MillraceError } from '@millrace/platform'
import { parseUsers, type User } from './users-file.ts'
import { WatchedFile } from './watched-file.ts'

const lookEveryMs = 1_000

/** No path: nobody. A file that became unreadable or wrong changes nothing and is said once. @throws MillraceError at the first reading. */
export async function openUsers(path: string | undefined, { clock, log }: { clock: Clock; log: Log }): Promise<Users> {
  const users = new Users(path, log)
  await users.load().catch((cause) => {
    throw cause instanceof MillraceError ? cause : new MillraceError('BROKER_USERS_NOT_FOUND', { path: path! }, cause)
  })
  users.look(clock)
  return users
}

export class Users extends WatchedFile {
  readonly #changed: ((names: Set<string>) => void)[] = []
  #users = new Map<string, User>()

  constructor(path: string | undefined, log: Log) {
    super({ path, what: 'users file', lookEveryMs, log })
  }

  get(name: string): User | undefined {
    return this.#users.get(name)
  }

  /** Called with the names of users who were removed or changed. */
  onChange(call: (names: Set<string>) => void): void {
    this.#changed.push(call)
  }

  protected override take(text: string, path: string): void {
    const next = parseUsers(text, path)
    const changed = [...this.#users.values()].filter(({ name, line }) => next.get(name)?.line !== line)
    const names = new Set(changed.map(({ name }) => name))
    this.#users = next
    if (names.size > 0) for (const call of this.#changed) call(names)
  }
}
