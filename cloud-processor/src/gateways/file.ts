/**
 * `gateways.sqlite` in the data folder of a processor with a page: what gateways reported last, which configuration each is to have, and
 * roll-outs. One table of JSON by name; each change is durable before it is acted on.
 *
 *     gateway/<node>   its newest report
 *     wanted/<node>    the configuration that it is sent until it has an outcome
 *     rollout/<id>     see rollout.ts
 */
import type { DatabaseSync } from 'node:sqlite'
import { MillraceError } from '@millrace/platform'
import { type FileFormat, openOwned } from '@millrace/platform/sqlite'
import { Refusal } from '@millrace/platform/worker-side'

const format: FileFormat = {
  kind: 'a file of gateways of Millrace',
  applicationId: 0x4d677477, // "Mgtw"
  version: 1,
  schema: 'CREATE TABLE kept (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;',
  pragmas: 'PRAGMA busy_timeout=2000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF',
  hasLockFile: false,
  codes: { locked: 'GATEWAYS_FILE', corrupt: 'GATEWAYS_FILE', newer: 'GATEWAYS_FILE', open: 'GATEWAYS_FILE' },
}

export class GatewaysFile {
  readonly #db: DatabaseSync
  readonly close: () => void

  /** @throws MillraceError GATEWAYS_FILE */
  constructor(path: string) {
    try {
      const { db, close } = openOwned(path, format, () => {})
      this.#db = db
      this.close = close
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause
      const { detail = `its format ${cause.values.version} is newer than this version` } = cause.values
      throw new MillraceError('GATEWAYS_FILE', { path, detail }, cause)
    }
  }

  /** By what follows the prefix. */
  all<T>(prefix: string): Map<string, T> {
    const rows = this.#db
      .prepare('SELECT name, value FROM kept WHERE name >= ? AND name < ? ORDER BY name')
      .all(prefix, `${prefix}\u{10ffff}`)
    return new Map(
      (rows as { name: string; value: string }[]).map(({ name, value }) => [name.slice(prefix.length), JSON.parse(value)]),
    )
  }

  /** Undefined removes it. */
  put(name: string, value: unknown): void {
    if (value === undefined) this.#db.prepare('DELETE FROM kept WHERE name = ?').run(name)
    else
      this.#db
        .prepare('INSERT INTO kept VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value')
        .run(name, JSON.stringify(value))
  }
}
