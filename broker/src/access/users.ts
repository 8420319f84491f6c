/** The users file as the running broker sees it: read again when it changes, so credentials rotate without a restart. */
import { readFile, stat } from 'node:fs/promises'
import { type Clock, every, type Log, MillraceError } from '@millrace/platform'
import { parseUsers, type User } from './users-file.ts'

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

export class Users {
  readonly #path: string | undefined
  readonly #log: Log
  readonly #changed: ((names: Set<string>) => void)[] = []
  #users = new Map<string, User>()
  /** Version of the file that was read last. */
  #seen = ''
  /** The failure that was logged last. */
  #said = ''
  #stop = () => {}

  constructor(path: string | undefined, log: Log) {
    this.#path = path
    this.#log = log
  }

  get(name: string): User | undefined {
    return this.#users.get(name)
  }

  /** Called with the names of users who were removed or changed. */
  onChange(call: (names: Set<string>) => void): void {
    this.#changed.push(call)
  }

  /** Reads the file where it has changed. @throws MillraceError, or what reading throws. */
  async load(): Promise<void> {
    if (this.#path === undefined) return
    const version = await versionOf(this.#path)
    if (version === this.#seen) return
    const next = parseUsers(await readFile(this.#path, 'utf8'), this.#path)
    const changed = [...this.#users.values()].filter(({ name, line }) => next.get(name)?.line !== line)
    const names = new Set(changed.map(({ name }) => name))
    this.#users = next
    this.#seen = version
    this.#said = ''
    if (names.size > 0) for (const call of this.#changed) call(names)
  }

  /** Looks at the file now. */
  async reload(): Promise<void> {
    await this.load().catch((error: Error) => {
      if (error.message !== this.#said) this.#log.warn('users file kept as it was', { error })
      this.#said = error.message
    })
  }

  /** Looks at the file from now on, until it is closed. */
  look(clock: Clock): void {
    if (this.#path !== undefined) this.#stop = every(clock, lookEveryMs, () => void this.reload())
  }

  close(): void {
    this.#stop()
  }
}

async function versionOf(path: string): Promise<string> {
  const { ino, mtimeMs, size } = await stat(path)
  return `${ino} ${mtimeMs} ${size}`
}
