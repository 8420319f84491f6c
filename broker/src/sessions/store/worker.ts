/** The thread that owns the file of sessions. One call is one transaction or one question. */
import { workerData } from 'node:worker_threads'
import { describe } from '@millrace/platform/sqlite'
import { serveCalls } from '@millrace/platform/worker-side'
import { openFile } from './file.ts'
import type { StoreAsk } from './protocol.ts'

const { path } = workerData as { path: string }

serveCalls<StoreAsk>(
  () => {
    const file = openFile(path)
    return {
      opened: file.loaded,
      answer: (ask) => (ask.k === 'page' ? file.page(ask.page) : file.apply(ask.group)),
      close: () => file.close(),
    }
  },
  (cause) => ({ code: 'BROKER_STORE_WRITE', values: { path, detail: describe(cause) } }),
)
