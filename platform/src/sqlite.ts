/**
 * What SQLite says, read the same by the log's and the store's file. An entry of its own (`@millrace/platform/sqlite`): their workers
 * need nothing else of `service`, and would pay for its libraries at every start.
 */
import { DatabaseSync } from 'node:sqlite'

/** Holds an exclusive lock on `<path>.lock`, an empty database; the system frees it when the process dies. @throws what `isBusy` knows when another process has it */
export function takeLock(path: string): DatabaseSync {
  const lock = new DatabaseSync(`${path}.lock`)
  try {
    lock.exec('PRAGMA busy_timeout=0; PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE')
    return lock
  } catch (cause) {
    lock.close()
    throw cause
  }
}

/** SQLITE_BUSY: another process has it. */
export function isBusy(cause: unknown): boolean {
  return (cause as { errcode?: number }).errcode === 5
}

/** SQLITE_CORRUPT, SQLITE_NOTADB, or rows that are not there. A disk that refuses is no damage: nobody should set the file aside for it. */
export function isDamage(cause: unknown): boolean {
  const { errcode } = cause as { errcode?: number }
  return errcode === undefined || (errcode & 0xff) === 11 || (errcode & 0xff) === 26
}

/** SQLite's words and its extended code. */
export function describe(cause: unknown): string {
  const { message, errcode } = cause as { message?: string; errcode?: number }
  return errcode === undefined ? `${message ?? cause}` : `${message} (${errcode})`
}

/** A pragma that is a number. */
export function pragma(db: { prepare(sql: string): { get(): unknown } }, name: string): number {
  return (db.prepare(`PRAGMA ${name}`).get() as Record<string, number>)[name]!
}
