/** Starts a worker and turns its messages into promises. */
import { Worker } from 'node:worker_threads'
import { type ErrorCode, MillraceError } from '@millrace/platform'
import type { EmbeddedStoreConfig } from './config.ts'
import type { Failure } from './file.ts'

/** Call 0 is the worker's first answer, which nobody asked for. */
export interface Asked<Ask> {
  call: number
  message: Ask
}
export interface Answered<Answer> {
  call: number
  answer: Answer
}

export interface Asker<Ask, Answer> {
  ask(message: Ask, transfer?: ArrayBuffer[]): Promise<Answer>
  /** What the worker says when it is ready, or why it is not. */
  first(): Promise<Answer>
  close(message: Ask): Promise<void>
}

export function startWorker<Ask, Answer extends { failure?: Failure }>(
  file: URL,
  workerData: EmbeddedStoreConfig,
  code: ErrorCode,
): Asker<Ask, Answer> {
  // A worker holds little: a small young generation keeps its memory near what it needs.
  const worker = new Worker(file, { workerData, resourceLimits: { maxYoungGenerationSizeMb: 8 } })
  const waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>()
  let calls = 0
  let dead: MillraceError | undefined
  worker.on('message', ({ call, answer }: Answered<Answer>) => {
    const { resolve, reject } = waiting.get(call)!
    waiting.delete(call)
    if (answer.failure) reject(new MillraceError(answer.failure.code, answer.failure.values))
    else resolve(answer)
  })
  worker.on('error', (error) => {
    dead = new MillraceError(code, { path: workerData.path, detail: `${error}` }, error)
    for (const { reject } of waiting.values()) reject(dead)
    waiting.clear()
  })
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  const answerTo = (call: number) => new Promise<Answer>((resolve, reject) => waiting.set(call, { resolve, reject }))
  return {
    first: () => answerTo(0),
    ask(message, transfer) {
      if (dead) return Promise.reject(dead)
      const call = ++calls
      worker.postMessage({ call, message } satisfies Asked<Ask>, transfer)
      return answerTo(call)
    },
    close(message) {
      if (!dead) worker.postMessage({ call: ++calls, message } satisfies Asked<Ask>)
      return exited
    },
  }
}
