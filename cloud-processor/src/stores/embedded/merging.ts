/** Decides which hours are due, has them merged by a worker of their own, and puts the result in: a few milliseconds of the writer. */
import type { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
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
}

export function createMerging(db: DatabaseSync, options: MergingOptions) {
  const put = createPut(db)
  const waiting = new Map<number, Waiting>()
  const whenIdle: (() => void)[] = []
  let worker: Worker | undefined
  let busy = false
  let nowMs = 0
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

  function start(): Worker {
    const made = new Worker(new URL('./merger.ts', import.meta.url), { workerData: { path: options.path } })
    made.on('message', finish)
    made.on('error', () => {
      worker = undefined
      busy = false
    })
    return made
  }

  function finish(merged: Merged): void {
    busy = false
    const { id, device, hour } = merged.job
    const isDone = merged.failure === undefined && options.transaction(() => put(merged, waiting, options.forgetHour))
    // Tried again when it has been quiet for as long once more.
    if (!isDone && whenIdle.length === 0) waiting.set(id, { device, hour, rows: 0, writtenMs: nowMs })
    next(whenIdle.length > 0)
  }

  function next(all: boolean): void {
    if (busy) return
    const due = findDue(all)
    if (!due) {
      for (const call of whenIdle.splice(0)) call()
      return
    }
    const [id, { device, hour }] = due
    waiting.delete(id)
    busy = true
    worker ??= start()
    worker.postMessage({ id, device, hour, upTo: 0 } satisfies MergeJob)
  }

  return {
    wrote({ id, device, hour, rows }: Hour, atMs: number): void {
      waiting.set(id, { device, hour, rows, writtenMs: atMs })
    },
    /** Called after each transaction. */
    tick(atMs: number): void {
      if (atMs < nowMs + 1000) return
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
      if (!worker) return
      const exited = new Promise((resolve) => worker!.once('exit', resolve))
      worker.off('message', finish)
      worker.postMessage('close')
      await exited
    },
  }
}

/** Chunks in, batches out: inside one transaction. */
function createPut(db: DatabaseSync) {
  const dropChunks = db.prepare('DELETE FROM chunks WHERE series = ? AND hour = ?')
  const addChunk = db.prepare('INSERT INTO chunks (series, hour, part, first, last, count, body) VALUES (?, ?, ?, ?, ?, ?, ?)')
  const putMinutes = db.prepare('INSERT OR REPLACE INTO minutes VALUES (?, ?, ?)')
  const dropBatches = db.prepare('DELETE FROM batches WHERE id >= ? AND id <= ?')
  const remaining = db.prepare('SELECT count(*) AS rows FROM batches WHERE id >= ? AND id < ?')
  const dropHour = db.prepare('DELETE FROM hours WHERE id = ?')
  return ({ job, series, chunks, minutes }: Merged, waiting: Map<number, Waiting>, forgetHour: MergingOptions['forgetHour']) => {
    for (const one of series) dropChunks.run(one, job.hour)
    for (const { series: of, part, first, last, count, body } of chunks)
      addChunk.run(of, job.hour, part, first, last, count, body)
    for (const { series: of, body } of minutes) putMinutes.run(of, job.hour, body)
    dropBatches.run(job.id * hourSpan, job.upTo)
    const { rows } = remaining.get(job.id * hourSpan, (job.id + 1) * hourSpan) as { rows: number }
    if (rows === 0) dropHour.run(job.id)
    // With rows left, the count in memory would start the next merge too early: it is loaded again.
    forgetHour(job.device, job.hour)
    if (rows === 0) waiting.delete(job.id)
  }
}
