/**
 * Power cuts at 300 points, as SQLite's order of writes allows them: the write-ahead log up to a byte, with what a torn write leaves
 * behind it; and the database in the middle of a checkpoint, with any of its pages written and the log whole. What was
 * confirmed before the point must be there, byte for byte. (Power cuts of a real file system: `npm run break -- power-cut`.)
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { emptyEdgeCounts } from '@millrace/contract'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { parseEntry } from './entry.ts'
import { outboxSchema } from './options.ts'
import { openOutbox } from './outbox.ts'
import { openFile } from './sqlite-file.ts'
import { sqliteStorage } from './sqlite-storage.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-crash-points-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const commits = 80
const pageBytes = 4096

const written = await (async () => {
  const path = join(folder, 'written.sqlite')
  const options = outboxSchema.parse({ ledgerEveryMs: 0, freeDiskMin: 0 })
  const outbox = await openOutbox(sqliteStorage(path), options, { clock: systemClock, log: silentLog, metrics: createMetrics() })
  await outbox.declare('a', [{ name: 'x', kind: 'number', datatype: 'Int32', unit: '1' }])
  const confirmed: number[] = []
  for (let k = 1; k <= commits; k++) {
    const t = Array.from({ length: 1 + ((k * 37) % 90) }, (_, n) => k * 1000 + n)
    const counts = { ...emptyEdgeCounts(), read: [t.length, 0] as [number, number] }
    await outbox.commit([{ device: 'a', columns: { channels: { x: { t, v: t } }, waves: {} }, bad: [], counts }])
    confirmed.push(statSync(`${path}-wal`).size)
  }
  const [database, log] = [readFileSync(path), readFileSync(`${path}-wal`)]
  await outbox.close()
  return { database, log, confirmed }
})()

/** How many of the first commits are there as they were written; the others must be missing as a whole. */
function found(database: Uint8Array, log: Uint8Array): number {
  const path = join(folder, 'cut.sqlite')
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true })
  writeFileSync(path, database)
  writeFileSync(`${path}-wal`, log)
  const { file, loaded } = openFile(path)
  expect(loaded.setAside).toBeUndefined()
  const entries = loaded.entries.map(({ id, meta }) => parseEntry(id, meta))
  const payloads = file.read(entries.map(({ id }) => id))
  for (const { id, crc } of entries) expect(crc32(payloads.get(id)!)).toBe(crc)
  file.close()
  const firsts = entries.filter(({ kind }) => kind === 'data').map(({ first }) => first / 1000)
  expect(firsts).toEqual(firsts.map((_, k) => k + 1))
  return firsts.length
}

const { database, log, confirmed } = written
const confirmedAt = (bytes: number) => confirmed.filter((size) => size <= bytes).length

test('200 cuts while it writes: what was confirmed is there', () => {
  const tail = fc.oneof(
    fc.constant(new Uint8Array()),
    fc.uint8Array({ minLength: 1, maxLength: 2 * pageBytes }),
    fc.integer({ min: 1, max: 8 * pageBytes }).map((length) => new Uint8Array(length)),
  )
  const point = fc.oneof(fc.integer({ min: confirmed[0]!, max: log.length }), fc.constantFrom(...confirmed))
  const property = fc.property(point, tail, (bytes, torn) => {
    expect(found(database, Buffer.concat([log.subarray(0, bytes), torn]))).toBeGreaterThanOrEqual(confirmedAt(bytes))
  })
  fc.assert(property, { numRuns: 200 })
})

test('100 cuts in the middle of a checkpoint: everything is there', () => {
  const path = join(folder, 'after.sqlite')
  writeFileSync(path, database)
  writeFileSync(`${path}-wal`, log)
  const db = new DatabaseSync(path)
  db.exec('PRAGMA wal_checkpoint(FULL)')
  copyFileSync(path, `${path}.copy`)
  db.close()
  const after = readFileSync(`${path}.copy`)
  const pages = after.length / pageBytes
  expect(pages).toBeGreaterThan(20)
  const property = fc.property(
    fc.array(fc.boolean(), { minLength: pages, maxLength: pages }),
    fc.boolean(),
    (isWritten, isLong) => {
      const cut = Buffer.alloc(isLong ? after.length : Math.max(database.length, pageBytes * (1 + isWritten.lastIndexOf(true))))
      database.copy(cut)
      for (const [page, is] of isWritten.entries())
        if (is) after.copy(cut, page * pageBytes, page * pageBytes, (page + 1) * pageBytes)
      expect(found(cut, log)).toBe(commits)
    },
  )
  fc.assert(property, { numRuns: 100 })
})

test('it would see a loss: with a log that was confirmed before it was written, commits are missing', () => {
  const [early, late] = [confirmed[9]! - 1, confirmed[39]!]
  expect(found(database, log.subarray(0, early))).toBeLessThan(10)
  expect(found(database, log.subarray(0, late))).toBe(40)
})
