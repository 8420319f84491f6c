/** The thread that owns the file of sessions. One message is one transaction or one question; they are served in order. */
import { parentPort, workerData } from 'node:worker_threads'
import { describe } from '@millrace/platform/sqlite'
import { openFile, Refusal, type SessionFile } from './file.ts'
import type { FromWorker, ToWorker } from './protocol.ts'

const { path } = workerData as { path: string }
const port = parentPort!
const send = (message: FromWorker) => port.postMessage(message)

try {
  serve(openFile(path))
} catch (cause) {
  const failure =
    cause instanceof Refusal ? cause.failure : { code: 'BROKER_STORE_OPEN' as const, values: { path, detail: describe(cause) } }
  send({ k: 'failed', failure })
}

function serve(file: SessionFile): void {
  port.on('message', (message: ToWorker) => {
    if (message.k === 'close') {
      file.close()
      return port.close()
    }
    try {
      if (message.k === 'page') send({ k: 'page', rows: file.page(message.page) })
      else {
        file.apply(message.group)
        send({ k: 'done' })
      }
    } catch (cause) {
      send({ k: 'failed', failure: { code: 'BROKER_STORE_WRITE', values: { path, detail: describe(cause) } } })
    }
  })
  send({ k: 'open', loaded: file.loaded })
}
