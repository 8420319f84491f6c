/**
 * Decides which hours are due, has them merged by a worker of their own, and puts the result in: one series a transaction,
 * writes in between, and last the transaction that drops the batches. Until then both are there and tell the same, so a crash
 * in between changes nothing: the hour is still on the list and is merged again.
 */
import type { DatabaseSync } from 'node:sqlite'
import { MillraceError } from '@millrace/platform/errors'
import { startWorker, type WorkerCalls } from '@millrace/platform/worker'
import { hourSpan } from './file.ts'
import type { Hour } from './hours.ts'
import type { Merged, MergeJob } from './protocol.ts'

interface Waiting {
  device: number
  hour: number
  rows: number
  writtenMs: number
}

export interface MergingOptions {
  path: string
  quietMinutes: number
  mergeRows: number
  /** Runs the work as a transaction. False: it was undone. */
  transaction(work: () => void): boolean
  forgetHour(device: number, hour: number): void
  /** After the last transaction of an hour. */
  merged(device: number, hour: number): void
}

export function createMerging(db: DatabaseSync, options: MergingOptions) {
  const put = createPut(db)
  const waiting = new Map<number, Waiting>()
  const whenIdle: (() => void)[] = []
  let worker: WorkerCalls<MergeJob> | undefined
  let busy = false
  let nowMs = 0
  let stopping = false
  let finishing = Promise.resolve()
  for (const { id, device, hour } of db.prepare('SELECT id, device, hour FROM hours').all() as {
    id: number
    device: number
    hour: number
  }[])
    waiting.set(id, { device, hour, rows: 0, writtenMs: 0 })

  function findDue(all: boolean): [number, Waiting] | undefined {
    const quietMs = options.quietMinutes * 60_000
    for (const entry of waiting) {
      const [, one] = entry
      // Hours found at the start count as written then.
      if (one.writtenMs === 0) one.writtenMs = nowMs
      if (all || one.rows >= options.mergeRows || nowMs - one.writtenMs > quietMs) return entry
    }
    return undefined
  }

  function start(): WorkerCalls<MergeJob> {
    const { path } = options
    return startWorker(new URL('./merger.ts', import.meta.url), {
      workerData: { path },
      failure: (detail, cause) => new MillraceError('STORE_READ', { path, detail }, cause),
      onFailed() {
        worker = undefined
      },
    })
  }

  /** Without `merged`: it failed. */
  async function finish({ id, device, hour }: MergeJob, merged?: Merged): Promise<void> {
    let isDone = merged !== undefined
    for (const series of merged?.series ?? []) {
      isDone &&= options.transaction(() => put.series(merged!, series))
      await new Promise((resolve) => setImmediate(resolve))
    }
    isDone &&= options.transaction(() => {
      if (put.dropBatches(merged!.job)) waiting.delete(id)
      // What is in memory of the hour speaks of batches that are gone.
      options.forgetHour(device, hour)
    })
    if (isDone) options.merged(device, hour)
    // Tried again when it has been quiet for as long once more.
    if (!isDone && whenIdle.length === 0) waiting.set(id, { device, hour, rows: 0, writtenMs: nowMs })
    busy = false
    next(whenIdle.length > 0)
  }

  function next(all: boolean): void {
    if (busy || stopping) return
    const due = findDue(all)
    if (!due) {
      for (const call of whenIdle.splice(0)) call()
      return
    }
    const [id, { device, hour }] = due
    waiting.delete(id)
    busy = true
    const job = { id, device, hour, upTo: 0 }
    worker ??= start()
    finishing = worker.ask<Merged>(job).then(
      (merged) => finish(job, merged),
      () => finish(job),
    )
  }

  return {
    wrote({ id, device, hour, rows }: Hour, atMs: number): void {
      waiting.set(id, { device, hour, rows, writtenMs: atMs })
    },
    /** Called after each transaction. */
    tick(atMs: number): void {
      if (atMs >= nowMs && atMs < nowMs + 1000) return
      // The clock was set back: it is quiet from now on.
      if (atMs < nowMs) for (const one of waiting.values()) one.writtenMs = Math.min(one.writtenMs, atMs)
      nowMs = atMs
      next(false)
    },
    /** Merges everything, due or not. */
    all(): Promise<void> {
      return new Promise((resolve) => {
        whenIdle.push(resolve)
        next(true)
      })
    },
    async close(): Promise<void> {
      stopping = true
      await worker?.close()
      await finishing
    },
  }
}

function createPut(db: DatabaseSync) {
  const dropChunks = db.prepare('DELETE FROM chunks WHERE series = ? AND hour = ?')
  const addChunk = db.prepare('INSERT INTO chunks (series, hour, part, first, last, count, body) VALUES (?, ?, ?, ?, ?, ?, ?)')
  const putMinutes = db.prepare('INSERT OR REPLACE INTO minutes VALUES (?, ?, ?)')
  const drop = db.prepare('DELETE FROM batches WHERE id >= ? AND id <= ?')
  const remaining = db.prepare('SELECT 1 FROM batches WHERE id >= ? AND id < ? LIMIT 1')
  const dropHour = db.prepare('DELETE FROM hours WHERE id = ?')
  return {
    series({ job, chunks, minutes }: Merged, series: number): void {
      dropChunks.run(series, job.hour)
      for (const chunk of chunks) {
        const { part, first, last, count, body } = chunk
        if (chunk.series === series) addChunk.run(series, job.hour, part, first, last, count, body)
      }
      for (const { series: of, body } of minutes) if (of === series) putMinutes.run(series, job.hour, body)
    },
    /** True when nothing is left of the hour to be merged. */
    dropBatches({ id, upTo }: MergeJob): boolean {
      drop.run(id * hourSpan, upTo)
      const isEmpty = remaining.get(id * hourSpan, (id + 1) * hourSpan) === undefined
      if (isEmpty) dropHour.run(id)
      return isEmpty
    },
  }
}
