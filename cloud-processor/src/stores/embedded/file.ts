/**
 * The file of the embedded store: an SQLite database in WAL mode with `synchronous=FULL`, application_id "MRst", user_version 2.
 *
 *     positions  log, partition, next             next timeline offset to read, of that log
 *     marks      partition, log, source, offset, seq
 *                                                 last (offset, index) taken from that source log and partition
 *     devices    id, device, subject, node, channels (JSON), state, stateMs, reason, keptFrom
 *                                                 keptFrom: day before which everything has expired: rows and batches of it
 *                                                 that are still there are not read, and removed by and by (sweep.ts)
 *     series     id, device, channel, wave        wave: 1 when the chunks hold segments
 *     hours      id, device, hour                 device hours (UTC, number since 1970) that hold unmerged batches
 *     batches    id, first, last, body            id = hours.id * 2^22 + sequence, in order of position; body: see batch.ts
 *     chunks     series, hour, part, first, last, count, body
 *                                                 count: below 0 where the chunk has a checksum; body: a chunk (chunk.ts), zstd; parts of an hour are in order of time
 *     minutes    series, hour, body               roll-ups of an hour's minutes (roll-up.ts), as its chunks stand; may outlive them
 *     days       device, day, stream, stored…, collapsed…, firstMs, lastMs
 *                                                 counts by event day (UTC, number since 1970), of what has not expired
 *     streams    stream, device, stored…, collapsed…, expired…
 *                                                 stored and collapsed are the sums of the stream's days
 *     cuts       stream, device, settled, atMs, body
 *                                                 the latest cut: body is the LedgerRow as JSON, worked out at the cut;
 *                                                 settled: 1 when the stream is closed and balances; when it is older than
 *                                                 a day it is added to stream `earlier`, with its days
 *     gaps       id, device, channel, reason, fromMs, toMs, open, lostReadings, lostSamples
 *                                                 open: 1 when no end was told; toMs is then the first reading since
 *     corrections id, device, fromMs, toMs, byMs, uncertaintyMs
 *                                                 readings whose times were corrected, and by how much: see corrections.ts
 *     events     id, device, atMs, level, code, text
 *     damages    id, fromMs, toMs                 what the log could not give: when it was appended to it
 *     lost       stream, device, readings, samples
 *                                                 what cuts found missing after it; counted as evicted in the body of the cut
 *
 *     unreadable key, detail                      rows that were found to be damaged, and are named: see unreadable.ts
 *
 * Batches, chunks and minutes have checksums: seal.ts. A batch is older than any with a higher id and younger than every chunk of its hour; where they tell of the same time the
 * youngest is right. Merging moves batches into chunks in one transaction and so never changes what is read.
 *
 * `<path>.lock` is an empty database on which the owner holds an exclusive lock; the system frees it when the process dies.
 */
import type { DatabaseSync } from 'node:sqlite'
import { type FileFormat, openOwned } from '@millrace/platform/sqlite'

/** Batches of one device hour. */
export const hourSpan = 2 ** 22
export const hourMs = 3_600_000
export const dayMs = 86_400_000

const schema = `
  CREATE TABLE positions (log TEXT, partition INTEGER, next INTEGER NOT NULL, PRIMARY KEY (log, partition)) WITHOUT ROWID;
  CREATE TABLE marks (partition INTEGER, log TEXT, source INTEGER, offset INTEGER NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (partition, log, source)) WITHOUT ROWID;
  CREATE TABLE devices (id INTEGER PRIMARY KEY, device TEXT NOT NULL UNIQUE, subject TEXT NOT NULL, node TEXT NOT NULL DEFAULT '',
    channels TEXT NOT NULL DEFAULT '[]', state TEXT, stateMs REAL, reason TEXT,
    keptFrom INTEGER NOT NULL DEFAULT 0);
  CREATE TABLE series (id INTEGER PRIMARY KEY, device INTEGER NOT NULL, channel TEXT NOT NULL, wave INTEGER NOT NULL,
    UNIQUE (device, channel, wave));
  CREATE TABLE hours (id INTEGER PRIMARY KEY AUTOINCREMENT, device INTEGER NOT NULL, hour INTEGER NOT NULL, UNIQUE (device, hour));
  CREATE TABLE batches (id INTEGER PRIMARY KEY, first REAL NOT NULL, last REAL NOT NULL, body BLOB NOT NULL);
  CREATE TABLE chunks (id INTEGER PRIMARY KEY, series INTEGER NOT NULL, hour INTEGER NOT NULL, part INTEGER NOT NULL,
    first REAL NOT NULL, last REAL NOT NULL, count INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE (series, hour, part));
  CREATE TABLE minutes (series INTEGER, hour INTEGER, body BLOB NOT NULL, PRIMARY KEY (series, hour)) WITHOUT ROWID;
  CREATE TABLE days (device INTEGER, day INTEGER, stream TEXT, storedReadings INTEGER NOT NULL, storedSamples INTEGER NOT NULL,
    collapsedReadings INTEGER NOT NULL, collapsedSamples INTEGER NOT NULL, firstMs REAL NOT NULL, lastMs REAL NOT NULL,
    PRIMARY KEY (device, day, stream)) WITHOUT ROWID;
  CREATE INDEX daysInOrder ON days (day, device);
  CREATE TABLE streams (stream TEXT, device INTEGER, storedReadings INTEGER NOT NULL, storedSamples INTEGER NOT NULL,
    collapsedReadings INTEGER NOT NULL, collapsedSamples INTEGER NOT NULL, expiredReadings INTEGER NOT NULL,
    expiredSamples INTEGER NOT NULL, PRIMARY KEY (stream, device)) WITHOUT ROWID;
  CREATE INDEX streamsOfDevice ON streams (device);
  CREATE TABLE cuts (stream TEXT, device INTEGER, settled INTEGER NOT NULL, atMs REAL NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (stream, device)) WITHOUT ROWID;
  CREATE INDEX cutsSettled ON cuts (atMs) WHERE settled = 1;
  CREATE TABLE gaps (id INTEGER PRIMARY KEY, device INTEGER NOT NULL, channel TEXT NOT NULL, reason TEXT NOT NULL, fromMs REAL NOT NULL,
    toMs REAL, open INTEGER NOT NULL, lostReadings INTEGER, lostSamples INTEGER, UNIQUE (device, channel, reason, fromMs));
  CREATE TABLE events (id INTEGER PRIMARY KEY, device TEXT NOT NULL, atMs REAL NOT NULL, level TEXT NOT NULL, code TEXT NOT NULL,
    text TEXT NOT NULL);
  CREATE INDEX eventsInOrder ON events (atMs);
`

/** Of later versions; one that does not know them leaves the tables alone. */
const addedTables = `
  CREATE TABLE IF NOT EXISTS damages (id INTEGER PRIMARY KEY, fromMs REAL NOT NULL, toMs REAL NOT NULL);
  CREATE TABLE IF NOT EXISTS lost (stream TEXT, device INTEGER, readings INTEGER NOT NULL, samples INTEGER NOT NULL,
    PRIMARY KEY (stream, device)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS unreadable (key TEXT PRIMARY KEY, detail TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS corrections (id INTEGER PRIMARY KEY, device INTEGER NOT NULL, fromMs REAL NOT NULL, toMs REAL NOT NULL,
    byMs INTEGER NOT NULL, uncertaintyMs REAL NOT NULL);
  CREATE INDEX IF NOT EXISTS correctionsInOrder ON corrections (device, byMs, toMs);
  CREATE INDEX IF NOT EXISTS gapsInOrder ON gaps (toMs, fromMs, device);
`

const fileFormat: FileFormat = {
  kind: 'a Millrace store',
  applicationId: 0x4d527374,
  version: 2,
  schema,
  pragmas: 'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=2000; PRAGMA cache_size=-16384',
  hasLockFile: true,
  codes: { locked: 'STORE_LOCKED', corrupt: 'STORE_CORRUPT', newer: 'STORE_NEWER', open: 'STORE_OPEN' },
}

/** Opens or makes the file, as its only owner. @throws Refusal */
export function openFile(path: string): { db: DatabaseSync; close(): void } {
  return openOwned(path, fileFormat, (db) => db.exec(addedTables))
}
