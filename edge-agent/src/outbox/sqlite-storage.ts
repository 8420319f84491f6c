/**
 * The outbox on disk: SQLite (`sqlite-file.ts`) in a worker thread, so that a slow card never keeps the agent from reading
 * its serial ports. Messages are `[call number, method, argument]` one way and `[call number, result, error]` the other.
 */
import { Worker } from 'node:worker_threads'
import { type ErrorCode, MillraceError } from '@millrace/platform'
import type { OutboxStorage } from './storage.ts'

/** Beside this file; both are `.mjs` where the agent is bundled (see install/bundle.ts). */
const workerFile = new URL(import.meta.url.endsWith('.ts') ? './sqlite-worker.ts' : './sqlite-worker.mjs', import.meta.url)

/** Why a call failed, in a form that crosses threads. */
export interface StorageFailure {
  code: ErrorCode
  values: Record<string, string>
}

/** @param path of the database file; its folder must exist. */
export function sqliteStorage(path: string): OutboxStorage {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let worker: Worker | undefined
  let calls = 0
  return {
    open: () => call('open'),
    commit: (transaction) => call('commit', transaction),
    read: (ids) => call('read', ids),
    async close() {
      if (!worker) return
      await call('close')
      await worker?.terminate()
      worker = undefined
    },
  }

  function call<T>(method: string, argument?: unknown): Promise<T> {
    worker ??= startWorker()
    const reply = Promise.withResolvers<unknown>()
    waiting.set(++calls, reply)
    worker.postMessage([calls, method, argument])
    return reply.promise as Promise<T>
  }

  function startWorker(): Worker {
    const started = new Worker(workerFile, { workerData: { path }, execArgv: [] })
    started.on('message', ([id, result, failure]: [number, unknown, StorageFailure | undefined]) => {
      const reply = waiting.get(id)
      waiting.delete(id)
      if (failure) reply?.reject(new MillraceError(failure.code, failure.values))
      else reply?.resolve(result)
    })
    const gone = (cause: unknown) => {
      if (worker === started) worker = undefined
      for (const reply of waiting.values())
        reply.reject(new MillraceError('AGENT_OUTBOX_IO', { path, detail: `${cause}` }, cause))
      waiting.clear()
    }
    started.on('error', gone)
    started.on('exit', () => gone('the storage thread ended'))
    return started
  }
}
