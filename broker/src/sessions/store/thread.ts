/** The thread that owns the file of sessions, as its owner sees it: a call each, answered in the order of the calls. */
import { Worker } from 'node:worker_threads'
import { MillraceError } from '@millrace/platform'
import type { FromWorker, Loaded, ToWorker } from './protocol.ts'

interface Waiting {
  resolve(answer: FromWorker): void
  reject(error: Error): void
}

export class StoreThread {
  /** Rejects when the thread has ended by itself. */
  readonly failed: Promise<never>
  readonly #path: string
  readonly #worker: Worker
  readonly #exited: Promise<void>
  readonly #fail: (error: Error) => void
  readonly #waiting: Waiting[] = []
  #ended: Error | undefined
  #isClosing = false

  constructor(path: string) {
    const { promise, reject } = Promise.withResolvers<never>()
    promise.catch(() => {})
    this.failed = promise
    this.#fail = reject
    this.#path = path
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: { path },
      resourceLimits: { maxYoungGenerationSizeMb: 8 },
    })
    this.#worker.on('message', (answer: FromWorker) => this.#answer(answer))
    this.#worker.on('error', (cause) => this.#end(`${cause}`, cause))
    this.#exited = new Promise((resolve) => this.#worker.once('exit', () => resolve()))
    void this.#exited.then(() => this.#end('its thread ended'))
  }

  /** Resolves when the file is open. @throws MillraceError BROKER_STORE_OPEN, BROKER_STORE_LOCKED, BROKER_STORE_CORRUPT, BROKER_STORE_NEWER. */
  async opened(): Promise<Loaded> {
    try {
      const answer = await this.#next()
      return answer.k === 'open' ? answer.loaded : []
    } catch (error) {
      await this.#worker.terminate()
      throw error
    }
  }

  /** @throws MillraceError BROKER_STORE_WRITE */
  ask(message: ToWorker): Promise<FromWorker> {
    if (this.#ended) return Promise.reject(this.#ended)
    this.#worker.postMessage(message)
    return this.#next()
  }

  async close(): Promise<void> {
    this.#isClosing = true
    if (!this.#ended) this.#worker.postMessage({ k: 'close' } satisfies ToWorker)
    await this.#exited
  }

  #next(): Promise<FromWorker> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  #answer(answer: FromWorker): void {
    const { resolve, reject } = this.#waiting.shift()!
    if (answer.k === 'failed') reject(new MillraceError(answer.failure.code, answer.failure.values))
    else resolve(answer)
  }

  #end(detail: string, cause?: unknown): void {
    this.#ended ??= new MillraceError('BROKER_STORE_WRITE', { path: this.#path, detail }, cause)
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended)
    if (!this.#isClosing) this.#fail(this.#ended)
  }
}
