/**
 * The outbox on disk: SQLite (`sqlite-file.ts`) in a worker thread, so that a slow card never keeps the agent from reading
 * its serial ports. A thread that crashed is replaced at the next call.
 */
import { MillraceError, startWorker, type WorkerCalls } from '@millrace/platform'
import type { OutboxAsk } from './sqlite-worker.ts'
import type { OutboxStorage } from './storage.ts'

/** Beside this file; both are `.mjs` where the agent is bundled (see install/bundle.ts). */
const workerFile = new URL(import.meta.url.endsWith('.ts') ? './sqlite-worker.ts' : './sqlite-worker.mjs', import.meta.url)

/** @param path of the database file; its folder must exist. */
export function sqliteStorage(path: string): OutboxStorage {
  let worker: WorkerCalls<OutboxAsk> | undefined
  return {
    open: (isDamaged) => call('open', isDamaged),
    list: (firstId, lastId) => call('list', [firstId, lastId]),
    commit: (transaction) => call('commit', transaction),
    read: (ids) => call('read', ids),
    async close() {
      const ended = worker?.close()
      worker = undefined
      await ended
    },
  }

  function call<T>(method: OutboxAsk[0], argument?: unknown): Promise<T> {
    worker ??= start()
    return worker.ask<T>([method, argument])
  }

  function start(): WorkerCalls<OutboxAsk> {
    const started = startWorker<OutboxAsk>(workerFile, {
      workerData: { path },
      execArgv: [],
      failure: (detail, cause) => new MillraceError('AGENT_OUTBOX_IO', { path, detail }, cause),
      onFailed() {
        if (worker === started) worker = undefined
      },
    })
    return started
  }
}
