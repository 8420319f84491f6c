/** Decides when expired rows are swept from the file, and which day has to go when it holds too much. */
import type { DatabaseSync } from 'node:sqlite'
import type { EmbeddedStoreConfig } from './config.ts'
import type { createExpiry } from './expiry.ts'
import { dayMs } from './file.ts'
import { createSweep } from './sweep.ts'

export interface RetentionOptions {
  retention: EmbeddedStoreConfig['retention']
  expiry: ReturnType<typeof createExpiry>
  /** Runs the work as a transaction. False: it was undone. */
  transaction(work: () => void): boolean
  addEvent(level: 'warn' | 'error', code: string, text: string): void
}

export function createRetention(db: DatabaseSync, options: RetentionOptions) {
  const { retention, expiry, transaction, addEvent } = options
  const sweep = createSweep(db, { transaction })
  const keptFrom = db.prepare('SELECT keptFrom FROM devices WHERE id = ?')
  const oldestDay = db.prepare('SELECT min(day) AS day FROM days')
  const unmerged = db.prepare(
    'SELECT 1 FROM hours JOIN devices AS device ON device.id = hours.device WHERE hour < keptFrom * 24 LIMIT 1',
  )
  let nowMs = 0
  let forced = 0
  let sweptDay = -1
  let fullDay = -1
  let isDue = true
  let isStopping = false
  let working: Promise<void> | undefined

  async function work(): Promise<void> {
    const day = Math.floor(nowMs / dayMs)
    if (day !== sweptDay || (isDue && expiry.isIdle())) await round(day)
    if (!isDue && !isStopping && expiry.isIdle() && usedBytes() > retention.bytesMax) makeRoom(day)
  }

  async function round(day: number): Promise<void> {
    const rollUpsFrom = Math.max(forced, retention.rollUpDays === 0 ? 0 : day - retention.rollUpDays)
    isDue = false
    const isDone = await sweep.round(rollUpsFrom, () => isStopping)
    isDue ||= !isDone
    if (day !== sweptDay && rollUpsFrom > 0) await sweep.gaps(rollUpsFrom * dayMs, () => isStopping)
    sweptDay = day
  }

  /** One day at a time: the next round shows what it brought. */
  function makeRoom(today: number): void {
    // An hour that waits for its merge is still in the way, and on its way out.
    if (unmerged.get()) return
    const { day } = oldestDay.get() as { day: number | null }
    const oldest = Math.min(day ?? today, sweep.oldestRollUps())
    if (oldest < today) {
      forced = oldest + 1
      expiry.force(forced)
      isDue = true
      const name = new Date(oldest * dayMs).toISOString().slice(0, 10)
      tell('warn', 'STORE_EXPIRED', `The store holds more than ${retention.bytesMax} bytes: ${name} expires, its oldest day.`)
    } else if (fullDay !== today) {
      fullDay = today
      tell(
        'error',
        'STORE_FULL',
        `The store holds more than ${retention.bytesMax} bytes, and only the present day is left in it.`,
      )
    }
  }

  const tell: typeof addEvent = (...event) => transaction(() => addEvent(...event))

  /** What the file would hold without the pages that wait to be used again. */
  function usedBytes(): number {
    const [all, free, size] = ['page_count', 'freelist_count', 'page_size'].map(
      (name) => (db.prepare(`PRAGMA ${name}`).get() as Record<string, number>)[name]!,
    ) as [number, number, number]
    return (all - free) * size
  }

  return {
    /** Called after each transaction. */
    tick(atMs: number): void {
      if (working || isStopping || (atMs >= nowMs && atMs < nowMs + 1000)) return
      nowMs = atMs
      working = work().finally(() => {
        working = undefined
      })
    },
    /** An hour was merged: if it had expired, it can be swept now. */
    merged(device: number, hour: number): void {
      if (hour < (keptFrom.get(device) as { keptFrom: number }).keptFrom * 24) isDue = true
    },
    /** Sweeps now. */
    async all(): Promise<void> {
      await working
      if (nowMs > 0) await round(Math.floor(nowMs / dayMs))
    },
    async close(): Promise<void> {
      isStopping = true
      await working
    },
  }
}
