/** Decides when expired rows are swept from the file, and which day has to go when it holds too much. */
import type { DatabaseSync } from 'node:sqlite'
import type { EmbeddedStoreConfig } from './config.ts'
import type { Expiry } from './expiry.ts'
import { dayMs } from './file.ts'
import { Sweep } from './sweep.ts'

export interface RetentionOptions {
  retention: EmbeddedStoreConfig['retention']
  expiry: Expiry
  /** Runs the work as a transaction. False: it was undone. */
  transaction(work: () => void): boolean
  addEvent(level: 'warn' | 'error', code: string, text: string): void
}

export class Retention {
  readonly #options: RetentionOptions
  readonly #sweep: Sweep
  readonly #sql: ReturnType<typeof prepare>
  #nowMs = 0
  /** Day before which everything has to go for its size. */
  #forced = 0
  #sweptDay = -1
  #fullDay = -1
  #isDue = true
  #isStopping = false
  #working: Promise<void> | undefined

  constructor(db: DatabaseSync, options: RetentionOptions) {
    this.#options = options
    this.#sweep = new Sweep(db, options)
    this.#sql = prepare(db)
  }

  /** Called after each transaction. */
  tick(atMs: number): void {
    if (this.#working || this.#isStopping || (atMs >= this.#nowMs && atMs < this.#nowMs + 1000)) return
    this.#nowMs = atMs
    this.#working = this.#work().finally(() => {
      this.#working = undefined
    })
  }

  /** An hour was merged: if it had expired, it can be swept now. */
  merged(device: number, hour: number): void {
    if (hour < (this.#sql.keptFrom.get(device) as { keptFrom: number }).keptFrom * 24) this.#isDue = true
  }

  /** Sweeps now. */
  async all(): Promise<void> {
    await this.#working
    if (this.#nowMs > 0) await this.#round(Math.floor(this.#nowMs / dayMs))
  }

  async close(): Promise<void> {
    this.#isStopping = true
    await this.#working
  }

  async #work(): Promise<void> {
    const { expiry, retention } = this.#options
    const day = Math.floor(this.#nowMs / dayMs)
    if (day !== this.#sweptDay || (this.#isDue && expiry.isIdle())) await this.#round(day)
    if (this.#isDue || this.#isStopping || !expiry.isIdle()) return
    if (usedBytes(this.#sql) > retention.bytesMax) this.#makeRoom(day)
  }

  async #round(day: number): Promise<void> {
    const { rollUpDays } = this.#options.retention
    const rollUpsFrom = Math.max(this.#forced, rollUpDays === 0 ? 0 : day - rollUpDays)
    const isStopping = () => this.#isStopping
    this.#isDue = false
    const isDone = await this.#sweep.round(rollUpsFrom, isStopping)
    this.#isDue ||= !isDone
    if (day !== this.#sweptDay && rollUpsFrom > 0) await this.#sweep.gaps(rollUpsFrom * dayMs, isStopping)
    this.#sweptDay = day
  }

  /** One day at a time: the next round shows what it brought. */
  #makeRoom(today: number): void {
    // An hour that waits for its merge is still in the way, and on its way out.
    if (this.#sql.unmerged.get()) return
    const { day } = this.#sql.oldestDay.get() as { day: number | null }
    const oldest = Math.min(day ?? today, this.#sweep.oldestRollUps)
    if (oldest < today) this.#expire(oldest)
    else if (this.#fullDay !== today) {
      this.#fullDay = today
      this.#tell('error', 'STORE_FULL', 'and only the present day is left in it.')
    }
  }

  #expire(day: number): void {
    this.#forced = day + 1
    this.#options.expiry.force(this.#forced)
    this.#isDue = true
    const name = new Date(day * dayMs).toISOString().slice(0, 10)
    this.#tell('warn', 'STORE_EXPIRED', `${name} expires, its oldest day.`)
  }

  #tell(level: 'warn' | 'error', code: 'STORE_EXPIRED' | 'STORE_FULL', what: string): void {
    const { retention, transaction, addEvent } = this.#options
    const joint = code === 'STORE_FULL' ? ', ' : ': '
    transaction(() => addEvent(level, code, `The store holds more than ${retention.bytesMax} bytes${joint}${what}`))
  }
}

/** What the file would hold without the pages that wait to be used again. */
function usedBytes({ pages, freePages, pageBytes }: ReturnType<typeof prepare>): number {
  const [all, free, size] = [pages, freePages, pageBytes].map((statement) => Object.values(statement.get()!)[0] as number)
  return (all! - free!) * size!
}

function prepare(db: DatabaseSync) {
  return {
    keptFrom: db.prepare('SELECT keptFrom FROM devices WHERE id = ?'),
    oldestDay: db.prepare('SELECT min(day) AS day FROM days'),
    unmerged: db.prepare(
      'SELECT 1 FROM hours JOIN devices AS device ON device.id = hours.device WHERE hour < keptFrom * 24 LIMIT 1',
    ),
    pages: db.prepare('PRAGMA page_count'),
    freePages: db.prepare('PRAGMA freelist_count'),
    pageBytes: db.prepare('PRAGMA page_size'),
  }
}
