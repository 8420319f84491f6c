/** The outbox's file, read without changing it; see `outbox/sqlite-file.ts` for what lies in it. */
import { DatabaseSync } from 'node:sqlite'
import type { Declaration } from '@millrace/contract/sparkplug'
import { MillraceError } from '@millrace/platform'
import { describe, isBusy } from '@millrace/platform/sqlite'
import { type Entry, parseEntry } from '../outbox/entry.ts'
import { keys } from '../outbox/records.ts'

/** Which batches; undefined: all of them. */
export interface Chosen {
  what: 'aside' | 'waiting' | 'all'
  device: string | undefined
  ids: number[] | undefined
}

export interface SpoolRow {
  id: number
  isAside: boolean
  entry: Entry
}

export interface SpoolFile {
  path: string
  /** Those chosen, in order; rows whose description cannot be read are passed over. */
  rows(of: 'aside' | 'waiting', chosen: Chosen): Generator<SpoolRow>
  payload(row: SpoolRow): Uint8Array
  declaration(id: string): Declaration | undefined
  removeAside(ids: number[]): void
  close(): void
}

/** @throws MillraceError AGENT_SPOOL_IN_USE, AGENT_OUTBOX_IO */
export function openSpoolFile(path: string): SpoolFile {
  const db = new DatabaseSync(path)
  const ask = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      if (isBusy(error)) throw new MillraceError('AGENT_SPOOL_IN_USE', { path })
      throw new MillraceError('AGENT_OUTBOX_IO', { path, detail: describe(error) })
    }
  }
  ask(() => db.exec('PRAGMA busy_timeout=0; BEGIN IMMEDIATE; ROLLBACK'))
  const payloadOf = (table: string) => ask(() => db.prepare(`SELECT payload FROM ${table} WHERE id = ?`))
  const payloads = { aside: payloadOf('aside'), waiting: payloadOf('entry') }
  const tables = { aside: 'aside', waiting: 'entry' }
  return {
    path,
    *rows(of, { what, device, ids }) {
      if (what !== 'all' && what !== of) return
      const list = db.prepare(`SELECT id, meta FROM ${tables[of]} WHERE id > ? ORDER BY id LIMIT 1000`)
      for (let last = 0; ; ) {
        const rows = ask(() => list.all(last) as { id: number; meta: string }[])
        if (rows.length === 0) return
        last = rows.at(-1)!.id
        for (const { id, meta } of rows) {
          const entry = readEntry(id, meta)
          if (entry && (device === undefined || entry.device === device) && (ids?.includes(id) ?? true))
            yield { id, isAside: of === 'aside', entry }
        }
      }
    },
    payload: ({ id, isAside }) => ask(() => payloads[isAside ? 'aside' : 'waiting'].get(id)!.payload as Uint8Array),
    declaration(id) {
      const row = ask(() => db.prepare('SELECT value FROM small WHERE key = ?').get(keys.declaration(id)))
      return row && JSON.parse(row.value as string)
    },
    removeAside: (ids) =>
      ask(() => void db.prepare('DELETE FROM aside WHERE id IN (SELECT value FROM json_each(?))').run(JSON.stringify(ids))),
    close() {
      if (db.isOpen) db.close()
    },
  }
}

/** What was set aside has another id there than its check sum was made with. */
function readEntry(id: number, meta: string): Entry | undefined {
  try {
    return { ...parseEntry(undefined, meta), id }
  } catch {
    return undefined
  }
}
