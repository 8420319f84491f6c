/** The thread that owns the file of sessions, as its owner sees it. */
import { MillraceError, smallWorker, startWorker, type WorkerCalls } from '@millrace/platform'
import type { Group, Loaded, OwedRow, PageAsked, StoreAsk } from './protocol.ts'

export class StoreThread {
  /** Rejects when the thread has ended by itself. */
  readonly failed: Promise<never>
  readonly #calls: WorkerCalls<StoreAsk>

  constructor(path: string) {
    const { promise, reject } = Promise.withResolvers<never>()
    promise.catch(() => {})
    this.failed = promise
    this.#calls = startWorker<StoreAsk>(new URL('./worker.ts', import.meta.url), {
      workerData: { path },
      resourceLimits: smallWorker,
      failure: (detail, cause) => new MillraceError('BROKER_STORE_WRITE', { path, detail }, cause),
      onFailed: reject,
    })
  }

  /** Resolves when the file is open. @throws MillraceError BROKER_STORE_OPEN, BROKER_STORE_LOCKED, BROKER_STORE_CORRUPT, BROKER_STORE_NEWER. */
  opened(): Promise<Loaded> {
    return this.#calls.opened()
  }

  /** Resolves when it is durable. @throws MillraceError BROKER_STORE_WRITE */
  write(group: Group): Promise<void> {
    return this.#calls.ask({ k: 'group', group })
  }

  /** @throws MillraceError BROKER_STORE_WRITE */
  page(page: PageAsked): Promise<OwedRow[]> {
    return this.#calls.ask({ k: 'page', page })
  }

  close(): Promise<void> {
    return this.#calls.close()
  }
}
