/** The audit trail: it only grows, and each entry becomes a control record of the log. */
import type { DatabaseSync } from 'node:sqlite'
import type { Control } from '@millrace/contract'

export interface AuditEntry {
  /** The account, or what else acted. */
  by: string
  /** `<what>.<verb>`: `alarm.acknowledge`, `account.role`. */
  action: string
  /** What it was done to: an alarm's id, an account's name. */
  target: string
  before?: unknown
  after?: unknown
  reason?: string | undefined
}

export interface AuditRow extends AuditEntry {
  /** Rises by one. */
  id: number
  atMs: number
}

type Row = { id: number; at_ms: number; by: string; action: string; target: string } & Record<
  'before' | 'after' | 'reason',
  string | null
>

export class AuditTrail {
  readonly #db: DatabaseSync

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  add({ by, action, target, before, after, reason }: AuditEntry, atMs: number): void {
    const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value))
    this.#db
      .prepare('INSERT INTO audit (at_ms, by, action, target, before, after, reason) VALUES (?, ?, ?, ?, ?, ?, ?)')
      .run(Math.round(atMs), by, action, target, json(before), json(after), reason ?? null)
  }

  /** The newest first. @param below only entries with a lower id */
  newest(limit: number, below = Number.MAX_SAFE_INTEGER): AuditRow[] {
    const rows = this.#db.prepare('SELECT * FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?').all(below, limit)
    return (rows as Row[]).map(readRow)
  }

  /** Puts what is not yet there into the log, in order. An entry whose append was cut off comes twice, with the same id. */
  async intoLog(append: (control: Control) => Promise<void>): Promise<void> {
    const { file, logged } = this.#db.prepare('SELECT file, logged FROM state').get() as { file: string; logged: number }
    const waiting = this.#db.prepare('SELECT * FROM audit WHERE id > ? ORDER BY id LIMIT 100').all(logged) as Row[]
    for (const row of waiting) {
      const { id, ...entry } = readRow(row)
      await append({ type: 'audit', id: `${file}/${id}`, ...entry })
      this.#db.prepare('UPDATE state SET logged = ?').run(id)
    }
  }
}

function readRow({ id, at_ms: atMs, by, action, target, before, after, reason }: Row): AuditRow {
  const parts = { before: before && JSON.parse(before), after: after && JSON.parse(after), reason }
  const said = Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== null))
  return { id, atMs, by, action, target, ...said }
}
