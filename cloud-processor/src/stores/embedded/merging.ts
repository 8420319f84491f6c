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
import type { DamagedRow, Merged, MergeJob } from './protocol.ts'

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
  /** Before the first one. */
  damaged(rows: DamagedRow[]): void
}

export class Merging {
  readonly #options: MergingOptions
  readonly #put: ReturnType<typeof createPut>
  readonly #waiting = new Map<number, Waiting>()
  readonly #whenIdle: (() => void)[] = []
  #worker: WorkerCalls<MergeJob> | undefined
  #isBusy = false
  #nowMs = 0
  #isStopping = false
  #finishing = Promise.resolve()

  constructor(db: DatabaseSync, options: MergingOptions) {
    this.#options = options
    this.#put = createPut(db)
    const hours = db.prepare('SELECT id, device, hour FROM hours').all() as { id: number; device: number; hour: number }[]
    for (const { id, device, hour } of hours) this.#waiting.set(id, { device, hour, rows: 0, writtenMs: 0 })
  }

  wrote({ id, device, hour, rows }: Hour, atMs: number): void {
    this.#waiting.set(id, { device, hour, rows, writtenMs: atMs })
  }

  /** Called after each transaction. */
  tick(atMs: number): void {
    if (atMs >= this.#nowMs && atMs < this.#nowMs + 1000) return
    // The clock was set back: it is quiet from now on.
    if (atMs < this.#nowMs) for (const one of this.#waiting.values()) one.writtenMs = Math.min(one.writtenMs, atMs)
    this.#nowMs = atMs
    this.#next(false)
  }

  /** Merges everything, due or not. */
  all(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenIdle.push(resolve)
      this.#next(true)
    })
  }

  async close(): Promise<void> {
    this.#isStopping = true
    await this.#worker?.close()
    await this.#finishing
  }

  #next(all: boolean): void {
    if (this.#isBusy || this.#isStopping) return
    const due = this.#findDue(all)
    if (!due) {
      for (const call of this.#whenIdle.splice(0)) call()
      return
    }
    const [id, { device, hour }] = due
    this.#waiting.delete(id)
    this.#isBusy = true
    const job = { id, device, hour, upTo: 0 }
    this.#worker ??= this.#start()
    this.#finishing = this.#worker.ask<Merged>(job).then(
      (merged) => this.#finish(job, merged),
      () => this.#finish(job),
    )
  }

  #findDue(all: boolean): [number, Waiting] | undefined {
    const quietMs = this.#options.quietMinutes * 60_000
    for (const entry of this.#waiting) {
      const [, one] = entry
      // Hours found at the start count as written then.
      if (one.writtenMs === 0) one.writtenMs = this.#nowMs
      if (all || one.rows >= this.#options.mergeRows || this.#nowMs - one.writtenMs > quietMs) return entry
    }
    return undefined
  }

  #start(): WorkerCalls<MergeJob> {
    const { path } = this.#options
    return startWorker(new URL('./merger.ts', import.meta.url), {
      workerData: { path },
      failure: (detail, cause) => new MillraceError('STORE_READ', { path, detail }, cause),
      onFailed: () => {
        this.#worker = undefined
      },
    })
  }

  /** Without `merged`: it failed. */
  async #finish(job: MergeJob, merged?: Merged): Promise<void> {
    const { id, device, hour } = job
    if (merged) this.#options.damaged(merged.damaged)
    const isDone = merged !== undefined && (await this.#putIn(merged))
    if (isDone) this.#options.merged(device, hour)
    // Tried again when it has been quiet for as long once more.
    if (!isDone && this.#whenIdle.length === 0) this.#waiting.set(id, { device, hour, rows: 0, writtenMs: this.#nowMs })
    this.#isBusy = false
    this.#next(this.#whenIdle.length > 0)
  }

  /** False: a transaction was undone. */
  async #putIn(merged: Merged): Promise<boolean> {
    const { transaction, forgetHour } = this.#options
    const { id, device, hour } = merged.job
    let isDone = true
    for (const series of merged.series) {
      isDone &&= transaction(() => this.#put.series(merged, series))
      await new Promise((resolve) => setImmediate(resolve))
    }
    return (
      isDone &&
      transaction(() => {
        if (this.#put.dropBatches(merged.job)) this.#waiting.delete(id)
        // What is in memory of the hour speaks of batches that are gone.
        forgetHour(device, hour)
      })
    )
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
        // Below 0: it has a checksum.
        if (chunk.series === series) addChunk.run(series, job.hour, part, first, last, -count, body)
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
