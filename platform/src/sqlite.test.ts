import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, test } from 'vitest'
import { type FileFormat, isFull, openOwned, transaction } from './sqlite.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-sqlite-'))
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0
const newPath = () => join(folder, 'made', `${files++}.sqlite`)

const format: FileFormat = {
  kind: 'a test file',
  applicationId: 0x4d527465,
  version: 2,
  schema: 'CREATE TABLE t (x);',
  pragmas: 'PRAGMA journal_mode=WAL',
  hasLockFile: true,
  codes: { locked: 'STORE_LOCKED', corrupt: 'STORE_CORRUPT', newer: 'STORE_NEWER', open: 'STORE_OPEN' },
}
const count = (db: DatabaseSync) => (db.prepare('SELECT count(*) AS n FROM t').get() as { n: number }).n
const inside = 'PRAGMA busy_timeout=0; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; BEGIN IMMEDIATE; COMMIT'

describe.each([
  ['a lock file', format],
  ['an exclusive lock inside', { ...format, hasLockFile: false, pragmas: inside }],
])('a file with %s', (_, format) => {
  test('is for this user alone with all that belongs to it, also under a wide umask', () => {
    const path = newPath()
    const former = process.umask(0)
    const { db, close } = openOwned(path, format, () => {})
    db.exec('INSERT INTO t VALUES (1)')
    process.umask(former)
    const own = readdirSync(dirname(path)).filter((name) => name.startsWith(basename(path)))
    const modes = own.map((name) => (statSync(join(dirname(path), name)).mode & 0o777).toString(8))
    close()
    expect([own.length > 1, new Set(modes)]).toEqual([true, new Set(['600'])])
  })

  test('is made, found again, and owned by one', () => {
    const path = newPath()
    const first = openOwned(path, format, () => 5)
    expect(first.loaded).toBe(5)
    first.db.exec('INSERT INTO t VALUES (1)')
    expect(() => openOwned(path, format, count)).toThrow(expect.objectContaining({ code: 'STORE_LOCKED' }))
    first.close()
    const second = openOwned(path, format, count)
    expect(second.loaded).toBe(1)
    second.close()
  })

  test.each([
    ['another program’s', 'PRAGMA application_id=1; PRAGMA user_version=2', 'STORE_CORRUPT'],
    ['a newer one', 'PRAGMA user_version=3', 'STORE_NEWER'],
    ['an older one', 'PRAGMA user_version=1', 'STORE_CORRUPT'],
  ])('is refused when it is %s, and can be opened again when that is put right', (_title, change, code) => {
    const path = newPath()
    const set = (pragmas: string) => {
      const db = new DatabaseSync(path)
      db.exec(pragmas)
      db.close()
    }
    openOwned(path, format, count).close()
    set(change)
    expect(() => openOwned(path, format, count)).toThrow(expect.objectContaining({ code }))
    set(`PRAGMA application_id=${format.applicationId}; PRAGMA user_version=${format.version}`)
    openOwned(path, format, count).close()
  })

  test('is corrupt when it is not a database or lacks a table, and is closed', () => {
    const path = newPath()
    openOwned(path, format, count).close()
    const load = () => openOwned(path, format, (db) => db.prepare('SELECT x FROM t').get()!.x)
    expect(load).toThrow(expect.objectContaining({ code: 'STORE_CORRUPT' }))
    openOwned(path, format, count).close()
    rmSync(`${path}-wal`, { force: true })
    writeFileSync(path, 'x'.repeat(5000))
    expect(() => openOwned(path, format, count)).toThrow(expect.objectContaining({ code: 'STORE_CORRUPT' }))
  })

  test('cannot be opened where no folder can be made', () => {
    writeFileSync(join(folder, 'file'), '')
    const open = () => openOwned(join(folder, 'file', 'below', 'x.sqlite'), format, count)
    expect(open).toThrow(expect.objectContaining({ code: 'STORE_OPEN' }))
  })
})

test('a transaction that fails leaves nothing, and the next one is whole', () => {
  const db = new DatabaseSync(':memory:')
  db.exec('CREATE TABLE t (x)')
  const fail = () =>
    transaction(db, () => {
      db.exec('INSERT INTO t VALUES (1)')
      throw new Error('no')
    })
  expect(fail).toThrow('no')
  expect(transaction(db, () => count(db))).toBe(0)
  db.exec('PRAGMA max_page_count=3')
  const fill = () => transaction(db, () => db.exec('INSERT INTO t VALUES (zeroblob(100000))'))
  expect(fill).toThrow(expect.toSatisfy(isFull))
  expect(transaction(db, () => count(db))).toBe(0)
})
