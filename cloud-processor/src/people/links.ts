/** One-time links, by which an account gets its password. Of a token only its hash is kept. */
import type { DatabaseSync } from 'node:sqlite'
import { MillraceError } from '@millrace/platform'
import { hashOf, newToken } from './sessions.ts'

const validMs = 24 * 3_600_000

export class Links {
  readonly #db: DatabaseSync

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  /** @param name of the account, null for the first admin. @returns the token */
  make(name: string | null, nowMs: number): string {
    const token = newToken()
    this.#db.prepare('INSERT INTO links VALUES (?, ?, ?)').run(hashOf(token), name, nowMs + validMs)
    return token
  }

  /** For whom it is; null: the first admin. @throws MillraceError WEB_LINK */
  ownerOf(token: string, nowMs: number): string | null {
    const row = this.#db.prepare('SELECT name, until_ms FROM links WHERE hash = ?').get(hashOf(token)) as
      | { name: string | null; until_ms: number }
      | undefined
    if (!row || row.until_ms < nowMs) throw new MillraceError('WEB_LINK')
    return row.name
  }

  /** @throws MillraceError WEB_LINK when somebody was faster */
  use(token: string): void {
    const { changes } = this.#db.prepare('DELETE FROM links WHERE hash = ?').run(hashOf(token))
    if (changes === 0) throw new MillraceError('WEB_LINK')
  }

  /** Those of this account, or of the first admin. */
  removeOf(name: string | null): void {
    this.#db.prepare('DELETE FROM links WHERE name IS ?').run(name)
  }
}
