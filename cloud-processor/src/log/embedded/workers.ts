/** Starts the log's two workers and turns their messages into promises. */
import { Worker } from 'node:worker_threads'
import { MillraceError } from '@millrace/platform'
import type { Snapshot } from '../log.ts'
import type { Failure, FromReader, FromWriter, Group, ToReader, ToWriter, Trim } from './protocol.ts'

type Opened = Extract<FromWriter, { k: 'open' }>
type Trimmed = Extract<FromWriter, { k: 'trim' }>

// A worker holds little: a small young generation keeps its memory near what it needs.
const resourceLimits = { maxYoungGenerationSizeMb: 8 }

const toError = ({ code, values }: Failure) => new MillraceError(code, values)

/** Answers come in the order of the messages, so each kind needs only a queue. `onFailed` is told when the worker died. */
export async function openWriter(workerData: { path: string; partitions: number }, onFailed: (error: MillraceError) => void) {
  const worker = new Worker(new URL('./writer.ts', import.meta.url), { workerData, resourceLimits })
  const waiting: ((answer: FromWriter) => void)[] = []
  const send = (message: ToWriter) => worker.postMessage(message)
  let dead: Failure | undefined
  const next = <K extends FromWriter['k']>(): Promise<Extract<FromWriter, { k: K }>> =>
    new Promise((resolve) => waiting.push(resolve as (answer: FromWriter) => void))
  const opened = next<'open' | 'refused'>()
  worker.on('message', (answer: FromWriter) => waiting.shift()!(answer))
  worker.on('error', (error) => {
    dead = { code: 'LOG_WRITE', values: { path: workerData.path, detail: `${error}` } }
    onFailed(toError(dead))
    for (const answer of waiting.splice(0)) answer({ k: 'trim', slots: [], more: false, failure: dead })
  })
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  const first = await opened
  if (first.k !== 'open') {
    await worker.terminate()
    throw toError(first.failure)
  }
  const ask = <K extends FromWriter['k']>(message: ToWriter) => {
    send(message)
    return next<K>()
  }
  return {
    id: (first as Opened).id,
    slots: (first as Opened).slots,
    marks: (first as Opened).marks,
    /** The slots' new totals, or the failure. */
    async write(group: Group): Promise<[slot: number, total: number][] | MillraceError> {
      if (dead) return toError(dead)
      const { totals, failure } = await ask<'group'>({ k: 'group', group })
      return failure ? toError(failure) : totals
    },
    async trim(trim: Trim): Promise<Trimmed> {
      if (dead) throw toError(dead)
      const done = await ask<'trim'>({ k: 'trim', trim })
      if (done.failure) throw toError(done.failure)
      return done
    },
    async snapshot(stage: string, partition: number): Promise<Snapshot | undefined> {
      if (dead) throw toError(dead)
      const { found, failure } = await ask<'snapshot'>({ k: 'snapshot', stage, partition })
      if (failure) throw toError(failure)
      return found && { next: found.next, state: found.state }
    },
    close() {
      send({ k: 'close' })
      return exited
    },
  }
}

/** Starts its worker at the first read: a log that is only followed live never needs it. */
export function openReader(workerData: { path: string }) {
  let worker: Worker | undefined
  const waiting: { resolve(answer: FromReader): void; reject(error: Error): void }[] = []
  function start(): Worker {
    const made = new Worker(new URL('./reader.ts', import.meta.url), { workerData, resourceLimits })
    made.on('message', (answer: FromReader) => {
      const { resolve, reject } = waiting.shift()!
      if (answer.failure) reject(toError(answer.failure))
      else resolve(answer)
    })
    made.on('error', (error) => {
      worker = undefined
      const failed = new MillraceError('LOG_READ', { path: workerData.path, detail: `${error}` }, error)
      for (const { reject } of waiting.splice(0)) reject(failed)
    })
    return made
  }
  return {
    read(ask: ToReader): Promise<FromReader> {
      worker ??= start()
      worker.postMessage(ask)
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }))
    },
    async close(): Promise<void> {
      if (!worker) return
      const exited = new Promise<void>((resolve) => worker!.once('exit', () => resolve()))
      worker.postMessage('close')
      await exited
    },
  }
}
