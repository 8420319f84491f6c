/** The thread that owns the outbox's file: does what `sqlite-storage.ts` asks, in order. */
import { workerData } from 'node:worker_threads'
import { Refusal, serveCalls } from '@millrace/platform/worker-side'
import { type OutboxFile, openFile } from './sqlite-file.ts'
import type { OutboxTransaction } from './storage.ts'

export type OutboxAsk = [method: 'open' | 'list' | 'commit' | 'read', argument: unknown]

const { path } = workerData as { path: string }
let file: OutboxFile | undefined
/** SQLite found damage in the open file: the next opening begins a new one with what is whole, even if it reads well so far. */
let damaged = false

const methods: Record<OutboxAsk[0], (argument: never) => unknown> = {
  open(isDamaged = damaged) {
    file?.close()
    file = undefined
    const opened = openFile(path, isDamaged)
    damaged = false
    file = opened.file
    return opened.loaded
  },
  list: ([firstId, lastId]: [number, number]) => opened().list(firstId, lastId),
  commit: (transaction: OutboxTransaction) => opened().commit(transaction),
  read: (ids: number[]) => opened().read(ids),
}

/** A thread that replaces one that crashed opens the file by itself. */
function opened(): OutboxFile {
  file ??= openFile(path).file
  return file
}

function answer([method, argument]: OutboxAsk): unknown {
  try {
    return methods[method](argument as never)
  } catch (error) {
    damaged ||= error instanceof Refusal && error.code === 'AGENT_OUTBOX_CORRUPT'
    throw error
  }
}

serveCalls(
  () => ({ answer, close: () => file?.close() }),
  (cause) => ({ code: 'AGENT_OUTBOX_IO', values: { path, detail: `${cause}` } }),
)
