/** The accounts as the file has them, in memory. Names differ by more than the case of their letters. */
import type { DatabaseSync } from 'node:sqlite'
import type { Account, Role } from './account.ts'

interface Row {
  name: string
  role: Role
  scope: string
  password: string | null
  changed_ms: number
}

const keyOf = (name: string) => name.toLowerCase()

export class Accounts {
  readonly #db: DatabaseSync
  #all = new Map<string, Account>()
  #passwords = new Map<string, string>()
  #version = -1

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  load(): void {
    this.#version = this.#dataVersion()
    const rows = this.#db
      .prepare('SELECT name, role, scope, password, changed_ms FROM accounts ORDER BY name')
      .all() as unknown as Row[]
    this.#all = new Map(rows.map((row) => [keyOf(row.name), accountOf(row)]))
    this.#passwords = new Map(rows.flatMap(({ name, password }) => (password === null ? [] : [[keyOf(name), password] as const])))
  }

  /** Another process has changed the file since it was loaded. */
  isStale(): boolean {
    return this.#version !== this.#dataVersion()
  }

  get size(): number {
    return this.#all.size
  }

  get(name: string): Account | undefined {
    return this.#all.get(keyOf(name))
  }

  /** The hash of its password, once it has one. */
  passwordOf(name: string): string | undefined {
    return this.#passwords.get(keyOf(name))
  }

  list(): Account[] {
    return [...this.#all.values()]
  }

  #dataVersion(): number {
    return (this.#db.prepare('PRAGMA data_version').get() as { data_version: number }).data_version
  }
}

function accountOf({ name, role, scope, password, changed_ms: changedMs }: Row): Account {
  return { name, role, scope: JSON.parse(scope), isInvited: password === null, changedMs }
}
