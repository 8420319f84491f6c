/**
 * `people.sqlite`: accounts, sessions and the audit trail of a processor's page. Several processes may have it open (the page, and the
 * command line beside it): each sees what another changed by `PRAGMA data_version`.
 *
 *     accounts   name, role, scope (JSON), password (see password.ts; NULL until its link was opened), when it was changed: what was let in
 *                before that is let out
 *     links      SHA-256 of a one-time link's token, for which account (NULL: the first admin), until when
 *     sessions   SHA-256 of a session's token, whose, begun and last used
 *     audit      who did what to what, before, after, why; rows are added and never changed, which triggers hold
 *     state      a random id of this file, and up to which row the trail is in the log
 */
import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { MillraceError } from '@millrace/platform'
import { type FileFormat, openOwned } from '@millrace/platform/sqlite'
import { Refusal } from '@millrace/platform/worker-side'

const format: FileFormat = {
  kind: 'a file of accounts of Millrace',
  applicationId: 0x4d70706c, // "Mppl"
  version: 1,
  schema: `
    CREATE TABLE accounts (name TEXT PRIMARY KEY COLLATE NOCASE, role TEXT NOT NULL, scope TEXT NOT NULL, password TEXT, changed_ms INTEGER NOT NULL) STRICT;
    CREATE TABLE links (hash BLOB PRIMARY KEY, name TEXT COLLATE NOCASE, until_ms INTEGER NOT NULL) STRICT;
    CREATE TABLE sessions (hash BLOB PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, begun_ms INTEGER NOT NULL, used_ms INTEGER NOT NULL) STRICT;
    CREATE TABLE audit (
      id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, by TEXT NOT NULL, action TEXT NOT NULL,
      target TEXT NOT NULL, before TEXT, after TEXT, reason TEXT) STRICT;
    CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail only grows'); END;
    CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail only grows'); END;
    CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 0), file TEXT NOT NULL, logged INTEGER NOT NULL) STRICT;
  `,
  pragmas: 'PRAGMA busy_timeout=2000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF',
  hasLockFile: false,
  codes: { locked: 'PEOPLE_FILE', corrupt: 'PEOPLE_FILE', newer: 'PEOPLE_FILE', open: 'PEOPLE_FILE' },
}

/** @throws MillraceError PEOPLE_FILE */
export function openPeopleFile(path: string): { db: DatabaseSync; close(): void } {
  try {
    return openOwned(path, format, (db) => {
      db.prepare('INSERT OR IGNORE INTO state VALUES (0, ?, 0)').run(randomUUID())
    })
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause
    const { detail = `its format ${cause.values.version} is newer than this version` } = cause.values
    throw new MillraceError('PEOPLE_FILE', { path, detail }, cause)
  }
}
