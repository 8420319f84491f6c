/** The worker that owns the store's file. One message is one transaction; messages are served in order. */
import { workerData } from 'node:worker_threads'
import { describe, transaction } from '@millrace/platform/sqlite'
import { Refusal, type Served, serveCalls } from '@millrace/platform/worker-side'
import { BadRecord, createApply } from './apply.ts'
import type { EmbeddedStoreConfig } from './config.ts'
import { openFile } from './file.ts'
import { createMerging } from './merging.ts'
import type { Done, Records, ToWriter } from './protocol.ts'
import { createRetention } from './retention.ts'

const config = workerData as EmbeddedStoreConfig

serveCalls<ToWriter>(
  () => serve(openFile(config.path)),
  (cause) => ({ code: 'STORE_OPEN', values: { path: config.path, detail: describe(cause) } }),
)

function serve(file: ReturnType<typeof openFile>): Served<ToWriter> {
  const { db } = file
  const merging = createMerging(db, {
    ...config,
    transaction: (work) => attempt(work) === undefined,
    forgetHour: (device, hour) => apply.forgetHour(device, hour),
    merged: (device, hour) => retention.merged(device, hour),
  })
  const apply = createApply(db, { ...config, wrote: merging.wrote })
  const retention = createRetention(db, {
    retention: config.retention,
    expiry: apply.expiry,
    transaction: (work) => attempt(work) === undefined,
    addEvent: apply.addEvent,
  })
  const positions = db.prepare('SELECT partition, next FROM positions WHERE log = ?')
  const others = db.prepare('SELECT DISTINCT log FROM positions WHERE log <> ?')
  let log = ''

  /** What it failed with; undefined: it is durable. */
  function attempt(work: () => void): unknown {
    try {
      transaction(db, work)
      return undefined
    } catch (cause) {
      apply.forget()
      return cause
    }
  }

  function write(records: Records): Done {
    while (true) {
      let done: Done = {}
      const cause = attempt(() => {
        done = apply.applyAll(records, log)
      })
      if (cause === undefined) {
        apply.succeeded()
        return done
      }
      if (cause instanceof BadRecord) apply.leaveOut(cause)
      else throw new Refusal('STORE_WRITE', { path: config.path, detail: describe(cause) })
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

  async function merge(): Promise<Done> {
    await merging.all()
    await retention.all()
    return {}
  }

  return {
    answer: (ask) => (ask.k === 'write' ? write(ask.records) : ask.k === 'open' ? open(ask.log) : merge()),
    answered({ k }) {
      if (k !== 'write') return
      merging.tick(apply.nowMs())
      retention.tick(apply.nowMs())
    },
    async close() {
      await merging.close()
      await retention.close()
      file.close()
    },
  }
}
