/**
 * Opens SQLite files that one process owns, and reads what SQLite says. An entry of its own (`@millrace/platform/sqlite`): the workers
 * that own these files would pay for the libraries of the others at every start.
 */
import { accessSync, constants } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makeFolder, makePrivate } from './data-folder.ts'
import type { ErrorCode } from './errors.ts'
import { Refusal } from './worker-side.ts'

export interface FileFormat {
  /** "a Millrace log" */
  kind: string
  /** `PRAGMA application_id`: four letters. */
  applicationId: number
  /** `PRAGMA user_version` */
  version: number
  /** Creates the schema in an empty file, in one transaction. */
  schema: string
  /** For each opening, before anything is read. */
  pragmas: string
  /** Whether `<path>.lock` keeps other processes out; else the pragmas do. */
  hasLockFile: boolean
  codes: Record<'locked' | 'corrupt' | 'newer' | 'open', ErrorCode>
}

/** Opens or makes the file, as its only owner, and loads what it holds. @throws Refusal with one of the format's codes */
export function openOwned<T>(
  path: string,
  format: FileFormat,
  load: (db: DatabaseSync) => T,
): { db: DatabaseSync; loaded: T; close(): void } {
  const opened: DatabaseSync[] = []
  const close = () => {
    for (const db of opened.toReversed()) db.close()
  }
  makeFolderOf(path, format)
  try {
    if (format.hasLockFile) opened.push(takeLock(path))
    if (path !== ':memory:') makePrivate(path)
    const db = new DatabaseSync(path)
    opened.push(db)
    db.exec(format.pragmas)
    makeOrCheck(db, path, format)
    return { db, loaded: load(db), close }
  } catch (cause) {
    close()
    throw cause instanceof Refusal ? cause : new Refusal(codeOf(cause, path, format), { path, detail: describe(cause) })
  }
}

function makeFolderOf(path: string, { codes }: FileFormat): void {
  try {
    makeFolder(dirname(path))
  } catch (cause) {
    throw new Refusal(codes.open, { path, detail: describe(cause) })
  }
}

function makeOrCheck(db: DatabaseSync, path: string, { kind, applicationId, version: known, schema, codes }: FileFormat): void {
  const version = pragma(db, 'user_version')
  const id = pragma(db, 'application_id')
  // Also one whose making was cut off.
  if (version === 0 && id === 0 && db.prepare('SELECT 1 FROM sqlite_schema').get() === undefined)
    return db.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA application_id=${applicationId}; PRAGMA user_version=${known}; COMMIT`)
  if (id !== applicationId) throw new Refusal(codes.corrupt, { path, detail: `not ${kind}` })
  if (version > known) throw new Refusal(codes.newer, { path, version, known })
  if (version < known) throw new Refusal(codes.corrupt, { path, detail: `format ${version}, from before the first release` })
}

function codeOf(cause: unknown, path: string, { codes }: FileFormat): ErrorCode {
  if (isBusy(cause)) return codes.locked
  return isDamage(cause) || isMarkedReadOnly(cause, path) ? codes.corrupt : codes.open
}

/** SQLITE_READONLY of a file that may be written: its first page says that another version of SQLite wrote it. */
function isMarkedReadOnly(cause: unknown, path: string): boolean {
  if (primaryCode(cause) !== 8) return false
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** Holds an exclusive lock on `<path>.lock`, an empty database; the system frees it when the process dies. @throws what `isBusy` knows when another process has it */
export function takeLock(path: string): DatabaseSync {
  makePrivate(`${path}.lock`)
  const lock = new DatabaseSync(`${path}.lock`)
  try {
    lock.exec('PRAGMA busy_timeout=0; PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE')
    return lock
  } catch (cause) {
    lock.close()
    throw cause
  }
}

/** All or nothing: what throws in `work` leaves the file as it was, and the connection ready for the next. */
export function transaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (cause) {
    // A full disk makes SQLite roll back by itself.
    if (db.isTransaction) db.exec('ROLLBACK')
    throw cause
  }
}

/** The primary result code, https://sqlite.org/rescode.html; undefined: no error of SQLite. */
function primaryCode(cause: unknown): number | undefined {
  const { errcode } = cause as { errcode?: number }
  return errcode === undefined ? undefined : errcode & 0xff
}

/** SQLITE_BUSY: another process has it. */
export const isBusy = (cause: unknown) => primaryCode(cause) === 5

/** SQLITE_FULL */
export const isFull = (cause: unknown) => primaryCode(cause) === 13

/** SQLITE_CORRUPT, SQLITE_NOTADB. A disk that refuses a read or write is not damage of the file. */
export const isCorrupt = (cause: unknown) => primaryCode(cause) === 11 || primaryCode(cause) === 26

/** SQLITE_ERROR: of our statements, that the file has another schema than it was made with. */
const isForeignSchema = (cause: unknown) => primaryCode(cause) === 1

/** Corrupt, or tables, columns or rows that are not there. */
export const isDamage = (cause: unknown) => primaryCode(cause) === undefined || isCorrupt(cause) || isForeignSchema(cause)

/** SQLite's words and its extended code. */
export function describe(cause: unknown): string {
  const { message, errcode } = cause as { message?: string; errcode?: number }
  return errcode === undefined ? `${message ?? cause}` : `${message} (${errcode})`
}

/** A pragma that is a number. */
export function pragma(db: { prepare(sql: string): { get(): unknown } }, name: string): number {
  return (db.prepare(`PRAGMA ${name}`).get() as Record<string, number>)[name]!
}
