/**
 * Retention, second half: removes what has expired (expiry.ts) from the file, a small slice a transaction, with writes in
 * between. Nothing that it removes is read any more, so it may be cut off anywhere and starts over. An hour that still has
 * batches is merged first, as every hour is, for its roll-ups; then a later round removes it.
 *
 * A round passes over all series once, at the first tick of a day and whenever something has expired. Freed pages are used
 * again by SQLite; the file itself does not shrink.
 */
import type { DatabaseSync } from 'node:sqlite'

/** Of one slice: a millisecond or two. Pages count, because a long row's are visited one by one. */
const pagesMax = 128
const pageBytes = 4096
const hoursMax = 64
const seriesMax = 200
const rowsMax = 128

export interface SweepOptions {
  /** Runs the work as a transaction. False: it was undone. */
  transaction(work: () => void): boolean
}

interface Series {
  id: number
  device: number
  keptFrom: number
}

export class Sweep {
  readonly #sql: ReturnType<typeof prepare>
  readonly #transaction: SweepOptions['transaction']
  /** Oldest day with roll-ups, as the last round saw it. */
  oldestRollUps = Number.POSITIVE_INFINITY

  constructor(db: DatabaseSync, { transaction }: SweepOptions) {
    this.#sql = prepare(db)
    this.#transaction = transaction
  }

  /** One round; `rollUpsFrom`: day before which roll-ups go too, once their rows have. False: it did not come to its end. */
  async round(rollUpsFrom: number, isStopping: () => boolean): Promise<boolean> {
    this.oldestRollUps = Number.POSITIVE_INFINITY
    let next: number | 'done' | 'failed' = 0
    while (typeof next === 'number' && !isStopping()) {
      next = this.#sweepSlice(next, rollUpsFrom)
      await pause()
    }
    return next === 'done'
  }

  /** Gaps and corrections that ended before. */
  async gaps(beforeMs: number, isStopping: () => boolean): Promise<void> {
    for (let gone = rowsMax; gone === rowsMax && !isStopping(); await pause()) {
      gone = 0
      this.#transaction(() => {
        gone = Math.max(...[this.#sql.dropGaps, this.#sql.dropCorrections].map((drop) => Number(drop.run(beforeMs).changes)))
      })
    }
  }

  /** Returns the series to go on with, or how it ended. */
  #sweepSlice(from: number, rollUpsFrom: number): number | 'done' | 'failed' {
    const slice: Slice = { drops: [], pages: 0 }
    const all = this.#sql.series.all(from) as unknown as Series[]
    let next: number | 'done' = all.length < seriesMax ? 'done' : all.at(-1)!.id + 1
    for (const series of all) {
      this.#addChunks(slice, series)
      const hasMore = this.#addMinutes(slice, series, Math.min(rollUpsFrom, series.keptFrom) * 24)
      if (slice.pages >= pagesMax || hasMore) {
        // The same series again.
        next = series.id
        break
      }
    }
    if (slice.drops.length === 0) return next
    const isDone = this.#transaction(() => {
      for (const drop of slice.drops) drop()
    })
    return isDone ? next : 'failed'
  }

  #addChunks(slice: Slice, { id, device, keptFrom }: Series): void {
    for (const chunk of this.#sql.chunks.all(id, keptFrom * 24, device) as { id: number; bytes: number }[]) {
      slice.drops.push(() => this.#sql.dropChunk.run(chunk.id))
      slice.pages += 1 + chunk.bytes / pageBytes
      if (slice.pages >= pagesMax) return
    }
  }

  /** True when there are more of them before that hour than one slice takes. */
  #addMinutes(slice: Slice, { id }: Series, before: number): boolean {
    const { hour } = this.#sql.oldestMinutes.get(id) as { hour: number | null }
    if (hour === null) return false
    if (hour < before) {
      slice.drops.push(() => this.#sql.dropMinutes.run(id, before, hour + hoursMax))
      slice.pages += hoursMax / 4
    } else this.oldestRollUps = Math.min(this.oldestRollUps, Math.floor(hour / 24))
    return hour + hoursMax < before
  }
}

/** What one transaction removes. */
interface Slice {
  drops: (() => void)[]
  pages: number
}

function prepare(db: DatabaseSync) {
  return {
    series: db.prepare(`SELECT series.id, device.id AS device, keptFrom FROM series JOIN devices AS device
      ON device.id = series.device WHERE series.id >= ? ORDER BY series.id LIMIT ${seriesMax}`),
    chunks: db.prepare(`SELECT id, length(body) AS bytes FROM chunks WHERE series = ?1 AND hour < ?2
      AND NOT EXISTS (SELECT 1 FROM hours WHERE hours.device = ?3 AND hours.hour = chunks.hour) LIMIT ${rowsMax}`),
    dropChunk: db.prepare('DELETE FROM chunks WHERE id = ?'),
    oldestMinutes: db.prepare('SELECT min(hour) AS hour FROM minutes WHERE series = ?'),
    dropMinutes: db.prepare('DELETE FROM minutes WHERE series = ?1 AND hour < ?2 AND hour < ?3'),
    dropCorrections: db.prepare(
      `DELETE FROM corrections WHERE id IN (SELECT id FROM corrections WHERE toMs < ? LIMIT ${rowsMax})`,
    ),
    dropGaps: db.prepare(`DELETE FROM gaps WHERE id IN (SELECT id FROM gaps WHERE toMs < ? LIMIT ${rowsMax})`),
  }
}

/** Lets what was asked in the meantime go first. */
const pause = () => new Promise((resolve) => setImmediate(resolve))
