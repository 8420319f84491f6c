/**
 * `authority.sqlite`, beside the authority's key: what it has signed. The endpoint and the command line have it open together.
 *
 *     tokens         SHA-256 of a token's secret, for which gateway, until when; SHA-256 of the key that used it (NULL: not used)
 *     certificates   serial, name (`group/node` of a gateway), SHA-256 of its public key, until when; revoked: when and why
 *
 * A token is used, and a certificate is added, in one transaction: of two that come at the same time one is first.
 */
import type { DatabaseSync } from 'node:sqlite'
import { MillraceError } from '@millrace/platform'
import { type FileFormat, openOwned } from '@millrace/platform/sqlite'
import { Refusal } from '@millrace/platform/worker-side'

const format: FileFormat = {
  kind: 'a file of an authority of Millrace',
  applicationId: 0x4d706361, // "Mpca"
  version: 1,
  schema: `
    CREATE TABLE tokens (hash BLOB PRIMARY KEY, name TEXT NOT NULL, until_ms INTEGER NOT NULL, used_by BLOB) STRICT;
    CREATE TABLE certificates (
      number INTEGER PRIMARY KEY AUTOINCREMENT, serial TEXT NOT NULL UNIQUE, name TEXT NOT NULL, key BLOB NOT NULL UNIQUE,
      until_ms INTEGER NOT NULL, certificate TEXT NOT NULL, revoked_ms INTEGER, reason TEXT) STRICT;
    CREATE INDEX by_name ON certificates (name);
  `,
  pragmas: 'PRAGMA busy_timeout=5000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF',
  hasLockFile: false,
  codes: { locked: 'CA_FILE', corrupt: 'CA_FILE', newer: 'CA_FILE', open: 'CA_FILE' },
}

/** @throws MillraceError CA_FILE */
export function openAuthorityFile(path: string): { db: DatabaseSync; close(): void } {
  try {
    return openOwned(path, format, () => {})
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause
    const { detail = `its format ${cause.values.version} is newer than this version` } = cause.values
    throw new MillraceError('CA_FILE', { path, detail }, cause)
  }
}
