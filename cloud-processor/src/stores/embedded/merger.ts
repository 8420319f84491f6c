/** The worker that merges: reads with a connection of its own, gives the writer what to put in. */
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { createMerge } from './merge.ts'
import type { Merged, MergeJob } from './protocol.ts'

const { path } = workerData as { path: string }
const port = parentPort!
const db = new DatabaseSync(path, { readOnly: true })
db.exec('PRAGMA cache_size=-2048')
const merge = createMerge(db)

port.on('message', (job: MergeJob | 'close') => {
  if (job === 'close') {
    db.close()
    port.close()
    return
  }
  let merged: Merged
  db.exec('BEGIN')
  try {
    merged = merge(job)
  } catch (cause) {
    merged = { job, series: [], chunks: [], minutes: [], failure: `${cause}` }
  }
  db.exec('COMMIT')
  port.postMessage(merged)
})
