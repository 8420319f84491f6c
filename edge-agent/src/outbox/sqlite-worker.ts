/** The thread that owns the outbox's file: does what `sqlite-storage.ts` asks, in order. */
import { parentPort, workerData } from 'node:worker_threads'
import { type OutboxFile, openFile, StorageError } from './sqlite-file.ts'
import type { OutboxTransaction } from './storage.ts'

const { path } = workerData as { path: string }
let file: OutboxFile | undefined
/** SQLite found damage in the open file: the next opening begins a new one, even if it reads well so far. */
let damaged = false

const methods: Record<string, (argument: never) => unknown> = {
  open() {
    file?.close()
    file = undefined
    const opened = openFile(path, damaged)
    damaged = false
    file = opened.file
    return opened.loaded
  },
  commit: (transaction: OutboxTransaction) => opened().commit(transaction),
  read: (ids: number[]) => opened().read(ids),
  close() {
    file?.close()
    file = undefined
  },
}

/** A thread that replaces one that crashed opens the file by itself. */
function opened(): OutboxFile {
  file ??= openFile(path).file
  return file
}

parentPort!.on('message', ([id, method, argument]: [number, string, never]) => {
  try {
    parentPort!.postMessage([id, methods[method]!(argument)])
  } catch (error) {
    const { code, values } =
      error instanceof StorageError ? error : { code: 'AGENT_OUTBOX_IO', values: { path, detail: `${error}` } }
    damaged ||= code === 'AGENT_OUTBOX_CORRUPT'
    parentPort!.postMessage([id, undefined, { code, values }])
  }
})
