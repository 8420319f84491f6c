/**
 * The file of the embedded log: an SQLite database in WAL mode with `synchronous=FULL`, application_id "MRlg", user_version 1.
 *
 *     meta       key, value          id (random, made with the file), partitions
 *     slots      slot, topic, partition, start, trimmed
 *                                    one a topic partition; start: first offset kept, trimmed: bytes of the blocks dropped
 *     blocks     id, count, timeMs, total, size, block
 *                                    id = slot * 2^40 + first offset; timeMs: + 0.25 where the block has a checksum; block: see block.ts, of that size, or zstd where shorter;
 *                                    total: bytes of all blocks of the slot ever written, as written, with this one;
 *                                    count 0: an epoch began, `epochSpan` offsets are left out; see epoch.ts. So they are after
 *                                    a last block that is damaged
 *     marks      slot, log, partition, offset, seq
 *                                    the last (offset, index) from that source that was put into the slot
 *     snapshots  stage, partition, next, state
 *                                    see snapshots.ts
 *     readers    name, slot, next    blocks from `next` on are not trimmed
 *
 * A slot's end is the end of its last block, or `start` where it has none; so a commit writes no row but the block.
 * Recovery is SQLite's: a torn tail of the WAL is dropped, and with it only what was never acknowledged.
 *
 * `<path>.lock` is an empty database on which the owner holds an exclusive lock; the system frees it when the process dies.
 */
import { randomBytes } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { topics } from '@millrace/contract'
import { type FileFormat, openOwned, transaction } from '@millrace/platform/sqlite'
import { Refusal } from '@millrace/platform/worker-side'
import type { Mark, Slot } from './protocol.ts'
import { openBlock, type StoredBlock } from './row.ts'

export const applicationId = 0x4d526c67
const version = 1

/** Slots lie this far apart in `blocks.id`. */
export const slotSpan = 2 ** 40
/** More than a log writes in years, and room for 255 of them. */
export const epochSpan = 2 ** 32

const schema = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE slots (slot INTEGER PRIMARY KEY, topic TEXT NOT NULL, partition INTEGER NOT NULL, start INTEGER NOT NULL DEFAULT 0,
    trimmed INTEGER NOT NULL DEFAULT 0, UNIQUE (topic, partition));
  CREATE TABLE blocks (id INTEGER PRIMARY KEY, count INTEGER NOT NULL, timeMs REAL NOT NULL, total INTEGER NOT NULL, size INTEGER NOT NULL, block BLOB NOT NULL);
  CREATE TABLE marks (slot INTEGER, log TEXT, partition INTEGER, offset INTEGER NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (slot, log, partition)) WITHOUT ROWID;
  CREATE TABLE snapshots (stage TEXT, partition INTEGER, next INTEGER NOT NULL, state BLOB NOT NULL, PRIMARY KEY (stage, partition));
  CREATE TABLE readers (name TEXT, slot INTEGER, next INTEGER NOT NULL, PRIMARY KEY (name, slot)) WITHOUT ROWID;
`

export interface LogFile {
  db: DatabaseSync
  id: string
  slots: Slot[]
  marks: Mark[]
  close(): void
}

/** Opens or makes the file, as its only owner. @throws Refusal */
export function openFile(path: string, partitions: number): LogFile {
  const id = randomBytes(16).toString('hex')
  const format: FileFormat = {
    kind: 'a Millrace log',
    applicationId,
    version,
    schema: `${schema} INSERT INTO meta VALUES ('id', '${id}'), ('partitions', '${partitions}');`,
    pragmas: 'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=2000; PRAGMA cache_size=-4096',
    hasLockFile: true,
    codes: { locked: 'LOG_LOCKED', corrupt: 'LOG_CORRUPT', newer: 'LOG_NEWER', open: 'LOG_OPEN' },
  }
  const { db, loaded, close } = openOwned(path, format, (db) => {
    const has = Number(meta(db, 'partitions'))
    if (has !== partitions) throw new Refusal('LOG_PARTITIONS', { path, has, asked: partitions })
    addSlots(db, partitions)
    return { id: meta(db, 'id'), slots: loadSlots(db), marks: loadMarks(db) }
  })
  return { db, ...loaded, close }
}

/** A version that knows more topics adds their slots. */
function addSlots(db: DatabaseSync, partitions: number): void {
  const add = db.prepare(
    'INSERT OR IGNORE INTO slots (slot, topic, partition) SELECT coalesce(max(slot) + 1, 0), ?, ? FROM slots',
  )
  transaction(db, () => {
    for (const topic of Object.values(topics)) for (let p = 0; p < partitions; p++) add.run(topic, p)
  })
}

function loadSlots(db: DatabaseSync): Slot[] {
  const last = db.prepare(
    'SELECT id, count, timeMs, total, size, block FROM blocks WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1',
  )
  const rows = db.prepare('SELECT slot, topic, partition, start, trimmed FROM slots ORDER BY slot').all()
  return (rows as unknown as Slot[]).map((row) => {
    const low = row.slot * slotSpan
    const block = last.get(low, low + slotSpan) as unknown as (StoredBlock & { total: number }) | undefined
    return { ...row, end: block ? endOf(block, low) : row.start, total: block ? block.total : row.trimmed }
  })
}

/** How many records a damaged block has is not known: as after a restore, the slot goes on far above them. */
function endOf(row: StoredBlock, low: number): number {
  const found = openBlock(row, low)
  return typeof found === 'string' || row.count === 0 ? row.id - low + epochSpan : row.id - low + row.count
}

function loadMarks(db: DatabaseSync): Mark[] {
  return db.prepare('SELECT slot, log, partition, offset, seq AS "index" FROM marks').all() as unknown as Mark[]
}

function meta(db: DatabaseSync, key: string): string {
  return (db.prepare('SELECT value FROM meta WHERE key = ?').get(key) as { value: string }).value
}
