/** The worker that answers questions, with a connection of its own: they do not wait for writes, nor writes for them. */
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { describe, isDamage } from '@millrace/platform/sqlite'
import type { EmbeddedStoreConfig } from './config.ts'
import type { FromReader, ToReader } from './protocol.ts'
import { createQuestions } from './questions.ts'
import type { Answered, Asked } from './workers.ts'

const { path, pointsMax } = workerData as EmbeddedStoreConfig
const port = parentPort!
const db = new DatabaseSync(path, { readOnly: true })
db.exec('PRAGMA cache_size=-8192')
const questions = createQuestions(db, pointsMax) as unknown as Record<string, (...args: unknown[]) => unknown>

port.on('message', ({ call, message }: Asked<ToReader | 'close'>) => {
  if (message === 'close') {
    db.close()
    port.close()
    return
  }
  port.postMessage({ call, answer: answer(message) } satisfies Answered<FromReader>)
})

function answer({ method, args }: ToReader): FromReader {
  db.exec('BEGIN')
  try {
    return { result: questions[method]!(...args) }
  } catch (cause) {
    return { failure: { code: isDamage(cause) ? 'STORE_CORRUPT' : 'STORE_READ', values: { path, detail: describe(cause) } } }
  } finally {
    db.exec('COMMIT')
  }
}
