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

export function createSweep(db: DatabaseSync, { transaction }: SweepOptions) {
  const series = db.prepare(`SELECT series.id, device.id AS device, keptFrom FROM series JOIN devices AS device
    ON device.id = series.device WHERE series.id >= ? ORDER BY series.id LIMIT ${seriesMax}`)
  const chunks = db.prepare(`SELECT id, length(body) AS bytes FROM chunks WHERE series = ?1 AND hour < ?2
    AND NOT EXISTS (SELECT 1 FROM hours WHERE hours.device = ?3 AND hours.hour = chunks.hour) LIMIT ${rowsMax}`)
  const dropChunk = db.prepare('DELETE FROM chunks WHERE id = ?')
  const oldestMinutes = db.prepare('SELECT min(hour) AS hour FROM minutes WHERE series = ?')
  const dropMinutes = db.prepare('DELETE FROM minutes WHERE series = ?1 AND hour < ?2 AND hour < ?3')
  const dropGaps = db.prepare(`DELETE FROM gaps WHERE id IN (SELECT id FROM gaps WHERE toMs < ? LIMIT ${rowsMax})`)
  let oldest = Number.POSITIVE_INFINITY

  /** Returns the series to go on with, or how it ended. */
  function slice(from: number, rollUpsFrom: number): number | 'done' | 'failed' {
    const drops: (() => void)[] = []
    let pages = 0
    const all = series.all(from) as unknown as Series[]
    let next: number | 'done' = all.length < seriesMax ? 'done' : all.at(-1)!.id + 1
    for (const { id, device, keptFrom } of all) {
      for (const chunk of chunks.all(id, keptFrom * 24, device) as { id: number; bytes: number }[]) {
        drops.push(() => dropChunk.run(chunk.id))
        pages += 1 + chunk.bytes / pageBytes
        if (pages >= pagesMax) break
      }
      const before = Math.min(rollUpsFrom, keptFrom) * 24
      const { hour } = oldestMinutes.get(id) as { hour: number | null }
      const hasMore = hour !== null && hour + hoursMax < before
      if (hour !== null && hour < before) {
        drops.push(() => dropMinutes.run(id, before, hour + hoursMax))
        pages += hoursMax / 4
      } else if (hour !== null) oldest = Math.min(oldest, Math.floor(hour / 24))
      if (pages >= pagesMax || hasMore) {
        // The same series again.
        next = id
        break
      }
    }
    if (drops.length === 0) return next
    const isDone = transaction(() => {
      for (const drop of drops) drop()
    })
    return isDone ? next : 'failed'
  }

  return {
    /** One round; `rollUpsFrom`: day before which roll-ups go too, once their rows have. False: it did not come to its end. */
    async round(rollUpsFrom: number, isStopping: () => boolean): Promise<boolean> {
      oldest = Number.POSITIVE_INFINITY
      let next: ReturnType<typeof slice> = 0
      while (typeof next === 'number' && !isStopping()) {
        next = slice(next, rollUpsFrom)
        await pause()
      }
      return next === 'done'
    },
    /** Gaps that ended before. */
    async gaps(beforeMs: number, isStopping: () => boolean): Promise<void> {
      for (let gone = rowsMax; gone === rowsMax && !isStopping(); await pause()) {
        gone = 0
        transaction(() => {
          gone = Number(dropGaps.run(beforeMs).changes)
        })
      }
    },
    /** Oldest day with roll-ups, as the last round saw it. */
    oldestRollUps: () => oldest,
  }
}

/** Lets what was asked in the meantime go first. */
const pause = () => new Promise((resolve) => setImmediate(resolve))
