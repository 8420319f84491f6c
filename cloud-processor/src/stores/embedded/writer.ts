/** The worker that owns the store's file. One message is one transaction; messages are served in order. */
import { parentPort, workerData } from 'node:worker_threads'
import { describe } from '@millrace/platform/sqlite'
import { BadRecord, createApply } from './apply.ts'
import type { EmbeddedStoreConfig } from './config.ts'
import { openFile, Refusal } from './file.ts'
import { createMerging } from './merging.ts'
import type { Done, Records, ToWriter } from './protocol.ts'
import { createRetention } from './retention.ts'
import type { Answered, Asked } from './workers.ts'

const config = workerData as EmbeddedStoreConfig
const port = parentPort!
const send = (call: number, answer: Done) => port.postMessage({ call, answer } satisfies Answered<Done>)

try {
  serve(openFile(config.path))
  send(0, {})
} catch (cause) {
  const failure = { code: 'STORE_OPEN' as const, values: { path: config.path, detail: describe(cause) } }
  send(0, { failure: cause instanceof Refusal ? cause.failure : failure })
}

function serve(file: ReturnType<typeof openFile>): void {
  const { db } = file
  const merging = createMerging(db, {
    ...config,
    transaction: (work) => transaction(work) === undefined,
    forgetHour: (device, hour) => apply.forgetHour(device, hour),
    merged: (device, hour) => retention.merged(device, hour),
  })
  const apply = createApply(db, { ...config, wrote: merging.wrote })
  const retention = createRetention(db, {
    retention: config.retention,
    expiry: apply.expiry,
    transaction: (work) => transaction(work) === undefined,
    addEvent: apply.addEvent,
  })
  const positions = db.prepare('SELECT partition, next FROM positions WHERE log = ?')
  const others = db.prepare('SELECT DISTINCT log FROM positions WHERE log <> ?')
  let log = ''

  function transaction(work: () => void): unknown {
    try {
      db.exec('BEGIN IMMEDIATE')
      work()
      db.exec('COMMIT')
      return undefined
    } catch (cause) {
      if (db.isTransaction) db.exec('ROLLBACK')
      apply.forget()
      return cause
    }
  }

  function write(records: Records): Done {
    while (true) {
      let done: Done = {}
      const cause = transaction(() => {
        done = apply.applyAll(records, log)
      })
      if (cause === undefined) {
        apply.succeeded()
        return done
      }
      if (cause instanceof BadRecord) apply.leaveOut(cause)
      else return { failure: { code: 'STORE_WRITE', values: { path: config.path, detail: describe(cause) } } }
    }
  }

  function open(id: string): Done {
    log = id
    const rows = positions.all(id) as { partition: number; next: number }[]
    return {
      positions: rows.map(({ partition, next }) => [partition, next]),
      otherLogs: others.all(id).map((row) => (row as { log: string }).log),
    }
  }

  port.on('message', async ({ call, message }: Asked<ToWriter>) => {
    if (message.k === 'write') {
      send(call, write(message.records))
      merging.tick(apply.nowMs())
      retention.tick(apply.nowMs())
    } else if (message.k === 'open') send(call, open(message.log))
    else if (message.k === 'merge') {
      await merging.all()
      await retention.all()
      send(call, {})
    } else {
      await merging.close()
      await retention.close()
      file.close()
      port.close()
    }
  })
}
