/**
 * The file of the notifications: SQLite (WAL, synchronous=FULL), format 1 (`user_version`):
 *
 *     positions      partition → log id, next offset of the alarms topic, marks (JSON)
 *     alarms         ids of the alarms that are active as far as the topic was read
 *     notifications  (key, target) → record (JSON), state, attempts, next_ms, sent_ms, error
 *
 * With routes, `alarms` has the newest record of each (JSON), and a notification its route and group, and the message that it went into.
 *
 * The whole file can be made again from the topic; one that cannot be read is set aside. Files of earlier versions have the
 * same tables and the index `waiting`, which answered no query.
 */
import { renameSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { type Log as Logger, MillraceError } from '@millrace/platform'
import { isDamage, pragma } from '@millrace/platform/sqlite'

const format = 1
const schema = `
  CREATE TABLE IF NOT EXISTS positions(partition INTEGER PRIMARY KEY, log TEXT NOT NULL, next INTEGER NOT NULL, marks TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS alarms(id TEXT PRIMARY KEY, partition INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS notifications(
    seq INTEGER PRIMARY KEY, key TEXT NOT NULL, target TEXT NOT NULL, alarm TEXT NOT NULL, urgency INTEGER NOT NULL,
    json TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'pending', attempts INTEGER NOT NULL DEFAULT 0,
    next_ms INTEGER NOT NULL DEFAULT 0, sent_ms INTEGER, error TEXT, UNIQUE(key, target));
`
/** What earlier versions did not have; what they made has none of it. */
const columns = { alarms: ['json TEXT'], notifications: ['route TEXT', 'grp TEXT', 'bundle INTEGER'] }
const indices = `
  DROP INDEX IF EXISTS waiting;
  CREATE INDEX IF NOT EXISTS pending_by_target ON notifications(target, seq) WHERE state = 'pending';
  CREATE INDEX IF NOT EXISTS pending ON notifications(seq) WHERE state = 'pending';
  CREATE INDEX IF NOT EXISTS pending_by_source
    ON notifications(urgency, target, json_extract(json, '$.alarm.device'), seq) WHERE state = 'pending';
  CREATE INDEX IF NOT EXISTS done ON notifications(seq) WHERE state != 'pending';
  CREATE INDEX IF NOT EXISTS grouped_by_seq ON notifications(seq) WHERE state = 'grouped';
  CREATE INDEX IF NOT EXISTS grouped ON notifications(urgency DESC, seq) WHERE state = 'grouped';
  CREATE INDEX IF NOT EXISTS bundled ON notifications(bundle) WHERE bundle IS NOT NULL;
  PRAGMA user_version = ${format};`

/** @throws MillraceError NOTIFY_OUTBOX_NEWER */
export function openFile(path: string, logger: Logger, nowMs: number): DatabaseSync {
  try {
    return tryOpen(path)
  } catch (error) {
    if (error instanceof MillraceError || !isDamage(error)) throw error
    const aside = `${path}.damaged-${nowMs}`
    renameSync(path, aside)
    logger.error('the notification outbox was damaged, set aside and made again from the log', { path, aside })
    return tryOpen(path)
  }
}

/** A command that marks what it sent again (dead-letters.ts) is waited for. */
const busyMs = 5000

function tryOpen(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: busyMs })
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    const found = pragma(db, 'user_version')
    if (found > format) throw new MillraceError('NOTIFY_OUTBOX_NEWER', { path, found, known: format })
    const check = db.prepare('PRAGMA quick_check(1)').get()!.quick_check
    if (check !== 'ok') throw new Error(`malformed: ${check}`)
    db.exec(schema)
    addColumns(db)
    db.exec(indices)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Alarms that are active already are known by their beginning, so that nobody waits in vain for a reminder of them. */
function addColumns(db: DatabaseSync): void {
  for (const [table, added] of Object.entries(columns))
    for (const column of added) {
      const [name] = column.split(' ')
      const isKnown = db.prepare('SELECT 1 FROM pragma_table_info(?) WHERE name = ?').get(table, name!) !== undefined
      if (!isKnown) db.exec(`ALTER TABLE ${table} ADD COLUMN ${column}`)
    }
  db.exec(`UPDATE alarms SET json = (SELECT json_extract(n.json, '$.alarm') FROM notifications AS n WHERE n.key = alarms.id || '#raised' LIMIT 1)
    WHERE json IS NULL`)
}
