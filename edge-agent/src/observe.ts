/**
 * What the outbox really did, told to a harness: the storage tells each transaction after it became durable, in one
 * `writeSync` to an open file descriptor. A kill in between leaves a commit untold, never one told that is not durable.
 * For tests that must know what was committed without asking the agent, which they kill; off unless configured.
 *
 *   {"k":"opened","atMs":...,"held":[["<stream>",1841,"data"], ...]}                       at each opening of the file
 *   {"k":"data","atMs":...,"stream","number","device","channels":{"spo2":{"t":[],"v":[]}},"waves":{"pleth":[{"t","i","v"}]}}
 *   {"k":"node","atMs":...,"stream","number","kind":"ledger"|"gap"}
 *   {"k":"freed","atMs":...,"entries":[["<stream>",1841], ...]}                            removed: receipted or evicted
 *   {"k":"aside","atMs":...,"entries":[["<stream>",1841], ...]}                            set aside with their bytes
 */
import { writeSync } from 'node:fs'
import type { Declaration } from '@millrace/contract/sparkplug'
import type { Clock } from '@millrace/platform'
import { decodeContent } from './outbox/content.ts'
import { type Entry, parseEntry } from './outbox/entry.ts'
import { idsBetween, listRowsMax, type OutboxStorage, type OutboxTransaction } from './outbox/index.ts'
import { keys } from './outbox/records.ts'

export function observeStorage(storage: OutboxStorage, fd: number, clock: Clock): OutboxStorage {
  const entries = new Map<number, Entry>()
  const names = new Map<string, Map<string, string>>()
  const tell = (lines: object[]) => {
    if (lines.length > 0) writeAll(fd, lines.map((line) => `${JSON.stringify({ ...line, atMs: clock.now() })}\n`).join(''))
  }
  return {
    ...storage,
    async open(damage) {
      const loaded = await storage.open(damage)
      entries.clear()
      for (let rows = loaded.entries; rows.length > 0; ) {
        for (const { id, meta } of rows) entries.set(id, parseEntry(id, meta))
        rows = rows.length < listRowsMax ? [] : await storage.list(rows.at(-1)!.id + 1, Number.MAX_SAFE_INTEGER)
      }
      learn(loaded.small)
      tell([{ k: 'opened', held: [...entries.values()].map(({ stream, number, kind }) => [stream, number, kind]) }])
      return loaded
    },
    async commit(transaction) {
      const committed = await storage.commit(transaction)
      learn(transaction.set)
      const freed = [...transaction.remove, ...idsBetween(entries.keys(), transaction.removeBetween)]
      tell([...put(transaction), ...gone('freed', freed), ...gone('aside', transaction.setAside)])
      return committed
    },
  }

  function learn(small: Map<string, string | undefined>): void {
    for (const [key, value] of small) {
      if (value === undefined || !key.startsWith(keys.declaration(''))) continue
      const { id, channels }: Declaration = JSON.parse(value)
      names.set(id, new Map(channels.map(({ alias, channel }) => [`${alias}`, channel.name])))
    }
  }

  function put(transaction: OutboxTransaction): object[] {
    return transaction.put.map(({ id, meta, payload }) => {
      const entry = parseEntry(id, meta)
      entries.set(id, entry)
      const { kind, stream, number, device, declaration } = entry
      const content = decodeContent(kind, payload)
      if ('text' in content) return { k: 'node', stream, number, kind }
      const { channels, waves } = content.batch.columns
      const named = <T>(columns: Record<string, T>) => rename(columns, names.get(declaration)!)
      return { k: 'data', stream, number, device, channels: named(channels), waves: named(waves) }
    })
  }

  function gone(k: 'freed' | 'aside', ids: number[]): object[] {
    if (ids.length === 0) return []
    const found = ids.map((id) => entries.get(id)!)
    for (const id of ids) entries.delete(id)
    return [{ k, entries: found.map(({ stream, number }) => [stream, number]) }]
  }
}

function rename<T>(columns: Record<string, T>, names: Map<string, string>): Record<string, T> {
  return Object.fromEntries(Object.entries(columns).map(([alias, column]) => [names.get(alias)!, column]))
}

function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text)
  for (let from = 0; from < bytes.length; ) from += writeSync(fd, bytes, from)
}
