/** The worker that merges: reads with a connection of its own, gives the writer what to put in. */
import { DatabaseSync } from 'node:sqlite'
import { workerData } from 'node:worker_threads'
import { describe } from '@millrace/platform/sqlite'
import { serveCalls } from '@millrace/platform/worker-side'
import { createMerge } from './merge.ts'
import type { Merged, MergeJob } from './protocol.ts'

const { path } = workerData as { path: string }
const db = new DatabaseSync(path, { readOnly: true })
db.exec('PRAGMA cache_size=-2048')
const merge = createMerge(db)

serveCalls<MergeJob>(
  () => ({ answer, close: () => db.close() }),
  (cause) => ({ code: 'STORE_READ', values: { path, detail: describe(cause) } }),
)

function answer(job: MergeJob): Merged {
  db.exec('BEGIN')
  try {
    return merge(job)
  } finally {
    // A damaged page may have ended it, and keeps it from being committed.
    if (db.isTransaction) db.exec('ROLLBACK')
  }
}
