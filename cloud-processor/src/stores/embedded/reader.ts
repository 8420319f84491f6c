/** The worker that answers questions, with a connection of its own: they do not wait for writes, nor writes for them. */
import { DatabaseSync } from 'node:sqlite'
import { workerData } from 'node:worker_threads'
import { describe, isDamage } from '@millrace/platform/sqlite'
import { serveCalls } from '@millrace/platform/worker-side'
import type { EmbeddedStoreConfig } from './config.ts'
import type { ToReader } from './protocol.ts'
import { createQuestions } from './questions.ts'

const { path, pointsMax } = workerData as EmbeddedStoreConfig
const db = new DatabaseSync(path, { readOnly: true })
db.exec('PRAGMA cache_size=-8192')
const questions = createQuestions(db, pointsMax) as unknown as Record<string, (...args: unknown[]) => unknown>

serveCalls<ToReader>(
  () => ({ answer, close: () => db.close() }),
  (cause) => ({ code: isDamage(cause) ? 'STORE_CORRUPT' : 'STORE_READ', values: { path, detail: describe(cause) } }),
)

function answer({ method, args }: ToReader): unknown {
  db.exec('BEGIN')
  try {
    return questions[method]!(...args)
  } finally {
    db.exec('COMMIT')
  }
}
