/** The worker that answers questions, with a connection of its own: they do not wait for writes, nor writes for them. */
import { DatabaseSync } from 'node:sqlite'
import { workerData } from 'node:worker_threads'
import { describe, isDamage } from '@millrace/platform/sqlite'
import { serveCalls } from '@millrace/platform/worker-side'
import type { EmbeddedStoreConfig } from './config.ts'
import type { DamagedRow, FromReader, ToReader } from './protocol.ts'
import { createQuestions } from './questions.ts'
import { StoredRows } from './rows.ts'

const { path, pointsMax } = workerData as EmbeddedStoreConfig
const db = new DatabaseSync(path, { readOnly: true })
db.exec('PRAGMA cache_size=-8192')
const damaged: DamagedRow[] = []
const rows = new StoredRows(db, (damage) => void damaged.push(damage))
const questions = createQuestions(db, rows, pointsMax) as unknown as Record<string, (...args: unknown[]) => unknown>

serveCalls<ToReader>(
  () => ({ answer, close: () => db.close() }),
  (cause) => ({ code: isDamage(cause) ? 'STORE_CORRUPT' : 'STORE_READ', values: { path, detail: describe(cause) } }),
)

function answer({ method, args }: ToReader): FromReader {
  db.exec('BEGIN')
  try {
    return { answer: questions[method]!(...args), damaged: damaged.splice(0) }
  } finally {
    // A damaged page may have ended it, and keeps it from being committed.
    if (db.isTransaction) db.exec('ROLLBACK')
  }
}
