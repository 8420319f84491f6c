/** What is asked of the outbox's file (`outbox-file.ts`), prepared once. */
import type { DatabaseSync } from 'node:sqlite'

export type Statements = ReturnType<typeof prepare>

/** As the index `pending_by_source` has it. */
const device = `json_extract(json, '$.alarm.device')`
const place = `urgency, target, ${device} AS device`

export function prepare(db: DatabaseSync) {
  return {
    positionOf: db.prepare('SELECT log, next, marks FROM positions WHERE partition = ?'),
    setPosition: db.prepare('INSERT OR REPLACE INTO positions(partition, log, next, marks) VALUES (?, ?, ?, ?)'),
    forgetAlarms: db.prepare('DELETE FROM alarms WHERE partition = ?'),
    begin: db.prepare('INSERT OR IGNORE INTO alarms(id, partition) VALUES (?, ?)'),
    end: db.prepare('DELETE FROM alarms WHERE id = ?'),
    isActive: db.prepare('SELECT 1 FROM alarms WHERE id = ?'),
    activeWith: db.prepare('SELECT id FROM alarms WHERE id >= ? AND id < ?'),
    insert: db.prepare(
      'INSERT OR IGNORE INTO notifications(key, target, alarm, urgency, json) SELECT ?, value, ?, ?, ? FROM json_each(?) RETURNING target',
    ),
    evict: db.prepare(
      `UPDATE notifications SET state = 'evicted' WHERE seq = (
         SELECT seq FROM notifications INDEXED BY pending_by_source
         WHERE state = 'pending' AND urgency = ? AND target = ? AND ${device} = ? ORDER BY seq LIMIT 1) RETURNING seq, alarm`,
    ),
    sources: db.prepare(
      `SELECT urgency, target, ${device} AS device, count(*) AS n FROM notifications INDEXED BY pending_by_source
       WHERE state = 'pending' GROUP BY 1, 2, 3`,
    ),
    // The newest row stays, or its seq would be given a second time.
    old: db.prepare(
      `SELECT seq, alarm IN (SELECT id FROM alarms) AS active FROM notifications INDEXED BY done
       WHERE state != 'pending' AND state NOT IN ('pending', 'grouped') AND seq > ? AND seq < (SELECT max(seq) FROM notifications) ORDER BY seq LIMIT ?`,
    ),
    forget: db.prepare('DELETE FROM notifications WHERE seq = ?'),
    waiting: db.prepare(
      `SELECT seq, alarm, urgency, attempts, next_ms, coalesce(json_extract(json, '$.madeMs'), json_extract(json, '$.alarm.atMs')) AS at_ms,
         json_extract(json, '$.count') IS NOT NULL AS message,
         coalesce(json_extract(json, '$.reason'), json_extract(json, '$.alarm.change')) IN ('repeated', 'escalated', 're-alarmed') AS reminder,
         json_extract(json, '$.alarm.active') AS active, ${device} AS device
       FROM notifications INDEXED BY pending_by_target WHERE state = 'pending' AND target = ? AND seq > ? ORDER BY seq LIMIT ?`,
    ),
    read: db.prepare(`SELECT json FROM notifications WHERE seq = ? AND state = 'pending'`),
    start: db.prepare('UPDATE notifications SET attempts = attempts + 1 WHERE seq = ?'),
    stateOf: db.prepare('SELECT state, attempts FROM notifications WHERE key = ? AND target = ?'),
    finish: db.prepare(
      `UPDATE notifications SET state = ?, sent_ms = ?, error = ?, attempts = ? WHERE seq = ? AND state = 'pending'
       RETURNING ${place}`,
    ),
    sentAfterAll: db.prepare(`UPDATE notifications SET state = 'sent', sent_ms = ? WHERE seq = ?`),
    retry: db.prepare(`UPDATE notifications SET next_ms = ?, attempts = ?, error = ? WHERE seq = ? AND state = 'pending'`),
    settleKey: db.prepare(
      `UPDATE notifications SET state = ?, sent_ms = ? WHERE key = ? AND target = ? AND state = 'pending' RETURNING alarm, ${place}`,
    ),
    count: db.prepare(
      `SELECT (SELECT count(*) FROM notifications WHERE state = 'pending') AS pending, (SELECT count(*) FROM notifications) AS n`,
    ),
    newest: db.prepare('SELECT * FROM notifications ORDER BY seq DESC LIMIT ?'),
  }
}
