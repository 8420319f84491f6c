import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type AlarmRecord, type AlarmTopicRecord, encodeJson } from '@millrace/contract'
import { silentLog } from '@millrace/platform'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LogRecord } from '../log/index.ts'
import { openOutbox } from './outbox.ts'
import { alarm, ended } from './testing/notifier.ts'

/** As version 0.1.0 made it. */
const earlierFile = `
  CREATE TABLE positions(partition INTEGER PRIMARY KEY, log TEXT NOT NULL, next INTEGER NOT NULL, marks TEXT NOT NULL);
  CREATE TABLE alarms(id TEXT PRIMARY KEY, partition INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE notifications(
    seq INTEGER PRIMARY KEY, key TEXT NOT NULL, target TEXT NOT NULL, alarm TEXT NOT NULL, urgency INTEGER NOT NULL,
    json TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'pending', attempts INTEGER NOT NULL DEFAULT 0,
    next_ms INTEGER NOT NULL DEFAULT 0, sent_ms INTEGER, error TEXT, UNIQUE(key, target));
  CREATE INDEX waiting ON notifications(target, attempts, urgency, seq) WHERE state = 'pending';
  PRAGMA user_version = 1;
  INSERT INTO positions VALUES (0, 'log-1', 42, '{"timeline/0":[7,3]}');
  INSERT INTO alarms VALUES ('a', 0);`

let folder: string
let path: string
let offset = 0
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-outbox-'))
  path = join(folder, 'notifier.sqlite')
})
afterEach(() => rmSync(folder, { recursive: true }))

const open = (more: object = {}) =>
  openOutbox({ path, targets: ['webhook'], queueMax: 1000, historyMax: 1000, ...more }, silentLog, 0)

function recordsOf(...alarms: AlarmRecord[]): LogRecord[] {
  const all = alarms.flatMap((one): AlarmTopicRecord[] => [
    one,
    { f: 1, k: 'notification', key: `${one.id}#${one.change}`, alarm: one },
  ])
  return all.map((record) => ({ offset: offset++, key: 'anna', value: encodeJson(record), timeMs: 0 }))
}

test('a file of an earlier version goes on where it was', () => {
  const db = new DatabaseSync(path)
  db.exec(earlierFile)
  const insert = db.prepare(
    'INSERT INTO notifications(key, target, alarm, urgency, json, state, attempts, next_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const json = (one: AlarmRecord) => JSON.stringify({ f: 1, k: 'notification', key: `${one.id}#${one.change}`, alarm: one })
  insert.run('a#raised', 'webhook', 'a', 0, json(alarm('a', { atMs: 5 })), 'sent', 0, 0)
  insert.run('a#cleared', 'webhook', 'a', 0, json(ended('a', { atMs: 6 })), 'pending', 2, 9000)
  db.close()
  const outbox = open()
  expect(outbox.position('log-1', 0)).toBe(42)
  expect(outbox.isActive('a')).toBe(true)
  expect([outbox.pending(), outbox.isTold('a#raised', 'webhook')]).toEqual([1, 'yes'])
  expect(outbox.waiting('webhook', 0, 10)).toEqual([
    { seq: 2, alarm: 'a', device: 'bed-1', isEnd: true, urgency: 0, attempts: 2, atMs: 6, nextMs: 9000 },
  ])
  outbox.close()
})

test('a notification is taken again after the newest was forgotten, under a number of its own', () => {
  const outbox = open({ historyMax: 0 })
  for (let k = 0; k < 5; k++) {
    outbox.take('log', 0, recordsOf(alarm(`a${k}`), ended(`a${k}`)))
    const rows = outbox.waiting('webhook', 2 * k, 10)
    expect(rows.map(({ seq }) => seq)).toEqual([2 * k + 1, 2 * k + 2])
    outbox.record(rows.map(({ seq }) => ({ seq, state: 'sent', attempts: 0, sentMs: 1 })))
  }
  expect(outbox.list(100).length).toBeLessThanOrEqual(4)
  outbox.close()
})

test('what is told of an alarm that is still active is kept, and all else is forgotten past historyMax', () => {
  const outbox = open({ historyMax: 3 })
  const finish = () =>
    outbox.record(outbox.waiting('webhook', 0, 1000).map(({ seq }) => ({ seq, state: 'sent', attempts: 0, sentMs: 1 })))
  outbox.take('log', 0, recordsOf(...['a', 'b', 'c', 'd', 'e'].map((id) => alarm(id))))
  finish()
  for (let k = 0; k < 20; k++) {
    outbox.take('log', 0, recordsOf(alarm(`x${k}`), ended(`x${k}`)))
    finish()
  }
  expect(outbox.list(100).length).toBeLessThanOrEqual(5 + 3 + 2)
  for (const id of ['a', 'b', 'c', 'd', 'e']) expect(outbox.isTold(`${id}#raised`, 'webhook')).toBe('yes')
  outbox.close()
})

test('the alarms of those that are given up, or decided elsewhere, are named', () => {
  const outbox = open({ queueMax: 2 })
  expect(outbox.take('log', 0, recordsOf(alarm('a'), alarm('b'), alarm('c')))).toEqual({ evicted: ['bed-1'], alarms: ['a'] })
  const settled = { f: 1, k: 'settled', key: 'b#raised', target: 'webhook', state: 'sent', atMs: 1 } as const
  const record = { offset: offset++, key: 'anna', value: encodeJson(settled), timeMs: 0 }
  expect(outbox.take('log', 0, [record])).toEqual({ evicted: [], alarms: ['b'] })
  expect([outbox.pending(), outbox.isTold('a#raised', 'webhook')]).toEqual([1, 'no'])
  outbox.close()
})

test('one that was given up while it was in flight is known as sent', () => {
  const outbox = open({ queueMax: 1 })
  outbox.take('log', 0, recordsOf(alarm('a')))
  const [row] = outbox.waiting('webhook', 0, 10)
  outbox.take('log', 0, recordsOf(alarm('b')))
  outbox.record([{ seq: row!.seq, state: 'sent', attempts: 0, sentMs: 7 }])
  expect([outbox.pending(), outbox.isTold('a#raised', 'webhook')]).toEqual([1, 'yes'])
  outbox.close()
})

const isWaiting = (outbox: ReturnType<typeof open>, id: string) => outbox.isTold(`${id}#raised`, 'webhook') === 'waits'

test('a flood of one device gives up its own, the least urgent first, whatever came before', () => {
  const outbox = open({ queueMax: 10 })
  outbox.take('log', 0, recordsOf(alarm('quiet', { device: 'bed-2', priority: 'low' })))
  outbox.take('log', 0, recordsOf(alarm('urgent', { device: 'noisy', priority: 'high' })))
  const flood = Array.from({ length: 50 }, (_, k) => alarm(`x${k}`, { device: 'noisy', priority: 'low' }))
  const { evicted } = outbox.take('log', 0, recordsOf(...flood))
  expect(evicted).toEqual(Array(42).fill('noisy'))
  expect(['quiet', 'urgent', 'x0', 'x41', 'x42', 'x49'].map((id) => isWaiting(outbox, id))).toEqual([
    true,
    true,
    false,
    false,
    true,
    true,
  ])
  const urgents = Array.from({ length: 50 }, (_, k) => alarm(`y${k}`, { device: 'noisy', priority: 'high' }))
  outbox.take('log', 0, recordsOf(...urgents))
  expect([outbox.pending(), isWaiting(outbox, 'quiet'), isWaiting(outbox, 'y49')]).toEqual([10, true, true])
  outbox.close()
})

test('where no device floods, the least urgent are given up, and what is known of a file goes on', () => {
  const outbox = open({ queueMax: 4 })
  outbox.take('log', 0, recordsOf(alarm('high', { device: 'bed-1', priority: 'high' })))
  for (let k = 0; k < 6; k++) outbox.take('log', 0, recordsOf(alarm(`l${k}`, { device: `new-${k}`, priority: 'low' })))
  expect(['high', 'l0', 'l2', 'l3'].map((id) => isWaiting(outbox, id))).toEqual([true, false, false, true])
  outbox.close()
  const again = open({ queueMax: 3 })
  again.take('log', 0, recordsOf(alarm('m', { device: 'bed-3', priority: 'medium' })))
  expect([again.pending(), isWaiting(again, 'high'), isWaiting(again, 'm')]).toEqual([3, true, true])
  again.close()
})
