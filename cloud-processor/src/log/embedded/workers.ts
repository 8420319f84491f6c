/** The log's two workers. */
import { MillraceError, smallWorker, startWorker, type WorkerCalls } from '@millrace/platform'
import type { FoundSnapshot, FromReader, Group, Opened, ToReader, Totals, Trim, Trimmed, WriterAsk } from './protocol.ts'

/** `onFailed` is told when the worker died. @throws MillraceError LOG_LOCKED, LOG_PARTITIONS, LOG_CORRUPT, LOG_NEWER, LOG_OPEN */
export async function openWriter(workerData: { path: string; partitions: number }, onFailed: (error: MillraceError) => void) {
  const calls = startWorker<WriterAsk>(new URL('./writer.ts', import.meta.url), {
    workerData,
    resourceLimits: smallWorker,
    failure: (detail, cause) => new MillraceError('LOG_WRITE', { path: workerData.path, detail }, cause),
    onFailed,
  })
  const opened = await calls.opened<Opened>()
  return {
    ...opened,
    /** The slots' new totals, or the failure. */
    write: (group: Group) => calls.ask<Totals>({ k: 'group', group }).catch((error: MillraceError) => error),
    trim: (trim: Trim) => calls.ask<Trimmed>({ k: 'trim', trim }),
    snapshot: (stage: string, partition: number) => calls.ask<FoundSnapshot | undefined>({ k: 'snapshot', stage, partition }),
    close: () => calls.close(),
  }
}

/** Starts its worker at the first read: a log that is only followed live never needs it. */
export function openReader(workerData: { path: string }) {
  let calls: WorkerCalls<ToReader> | undefined
  const start = () =>
    startWorker<ToReader>(new URL('./reader.ts', import.meta.url), {
      workerData,
      resourceLimits: smallWorker,
      failure: (detail, cause) => new MillraceError('LOG_READ', { path: workerData.path, detail }, cause),
      onFailed() {
        calls = undefined
      },
    })
  return {
    read(ask: ToReader): Promise<FromReader> {
      calls ??= start()
      return calls.ask(ask)
    },
    async close(): Promise<void> {
      await calls?.close()
    },
  }
}
