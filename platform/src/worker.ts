/**
 * Calls to a worker thread as promises; `worker-side.ts` is the other end. Calls are served in their order, and each has its own answer
 * or failure. A worker that has ended refuses every call with one error, which its owner makes.
 */
import { Worker, type WorkerOptions } from 'node:worker_threads'
import { MillraceError } from './errors.ts'
import type { Answered, Asked } from './worker-side.ts'

export interface WorkerSettings extends WorkerOptions {
  /** What its callers get when it has ended by itself. */
  failure(detail: string, cause: unknown): MillraceError
  /** It has ended by itself. */
  onFailed?(error: MillraceError): void
}

export interface WorkerCalls<Ask> {
  /** What the worker says when it has started. @throws MillraceError when it could not start; the worker has ended then */
  opened<Answer>(): Promise<Answer>
  /** @throws MillraceError */
  ask<Answer>(ask: Ask, transfer?: ArrayBuffer[]): Promise<Answer>
  /** Resolves when the thread has ended: after what it was asked before. */
  close(): Promise<void>
}

/** A worker holds little: a small young generation keeps its memory near what it needs. */
export const smallWorker = { maxYoungGenerationSizeMb: 8 }

export function startWorker<Ask>(file: URL, { failure, onFailed, ...options }: WorkerSettings): WorkerCalls<Ask> {
  const worker = new Worker(file, options)
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let calls = 0
  let ended: MillraceError | undefined
  let isClosing = false

  function next(call: number): Promise<unknown> {
    const reply = Promise.withResolvers<unknown>()
    waiting.set(call, reply)
    return reply.promise
  }

  function end(detail: string, cause?: unknown): void {
    if (ended) return
    ended = failure(detail, cause)
    for (const { reject } of waiting.values()) reject(ended)
    waiting.clear()
    if (!isClosing) onFailed?.(ended)
  }

  worker.on('message', ([call, answer, failed]: Answered) => {
    const reply = waiting.get(call)
    waiting.delete(call)
    // A worker that says why it cannot start ends then, as it should.
    if (failed && call === 0) isClosing = true
    if (failed) reply?.reject(new MillraceError(failed.code, failed.values))
    else reply?.resolve(answer)
  })
  worker.on('error', (cause) => end(`${cause}`, cause))
  const exited = new Promise<void>((resolve) =>
    worker.once('exit', () => {
      end('its thread ended')
      resolve()
    }),
  )
  const opening = next(0)
  opening.catch(() => {})
  return {
    async opened<Answer>() {
      try {
        return (await opening) as Answer
      } catch (error) {
        await worker.terminate()
        throw error
      }
    },
    ask<Answer>(ask: Ask, transfer?: ArrayBuffer[]): Promise<Answer> {
      if (ended) return Promise.reject(ended)
      const call = ++calls
      worker.postMessage([call, ask] satisfies Asked<Ask>, transfer)
      return next(call) as Promise<Answer>
    },
    close() {
      isClosing = true
      if (!ended) worker.postMessage([0] satisfies Asked<Ask>)
      return exited
    },
  }
}
