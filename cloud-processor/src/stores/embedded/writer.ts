/** The worker that owns the store's file. One message is one transaction; messages are served in order. */
import type { StatementSync } from 'node:sqlite'
import { workerData } from 'node:worker_threads'
import { describe, isCorrupt, isDamage, transaction } from '@millrace/platform/sqlite'
import { Refusal, type Served, serveCalls } from '@millrace/platform/worker-side'
import { Apply, BadRecord } from './apply.ts'
import type { EmbeddedStoreConfig } from './config.ts'
import { openFile } from './file.ts'
import { Merging } from './merging.ts'
import type { DamagedRow, Done, Records, ToWriter } from './protocol.ts'
import { Retention } from './retention.ts'

const config = workerData as EmbeddedStoreConfig

/** The file and all that writes into it. */
class StoreWriter implements Served<ToWriter> {
  readonly #file: ReturnType<typeof openFile>
  readonly #apply: Apply
  readonly #merging: Merging
  readonly #retention: Retention
  readonly #positions: StatementSync
  readonly #others: StatementSync
  /** Id of the log that the records come from. */
  #log = ''

  constructor(file: ReturnType<typeof openFile>) {
    const { db } = file
    const transaction = (work: () => void) => this.#attempt(work) === undefined
    this.#file = file
    this.#merging = new Merging(db, {
      ...config,
      transaction,
      forgetHour: (device, hour) => this.#apply.forgetHour(device, hour),
      merged: (device, hour) => this.#retention.merged(device, hour),
      damaged: (rows) => this.#nameDamaged(rows),
    })
    this.#apply = new Apply(db, { ...config, wrote: (hour, atMs) => this.#merging.wrote(hour, atMs) })
    const { expiry } = this.#apply
    const addEvent = this.#apply.addEvent.bind(this.#apply)
    this.#retention = new Retention(db, { retention: config.retention, expiry, transaction, addEvent })
    this.#positions = db.prepare('SELECT partition, next FROM positions WHERE log = ?')
    this.#others = db.prepare('SELECT DISTINCT log FROM positions WHERE log <> ?')
  }

  answer(ask: ToWriter): Done | Promise<Done> {
    if (ask.k === 'write') return this.#write(ask.records)
    if (ask.k === 'damaged') return this.#takeDamaged(ask.rows)
    return ask.k === 'open' ? this.#open(ask.log) : this.#merge()
  }

  answered({ k }: ToWriter): void {
    if (k !== 'write') return
    this.#merging.tick(this.#apply.nowMs)
    this.#retention.tick(this.#apply.nowMs)
  }

  async close(): Promise<void> {
    await this.#merging.close()
    await this.#retention.close()
    this.#file.close()
  }

  #write(records: Records): Done {
    while (true) {
      let done: Done = {}
      const cause = this.#attempt(() => {
        done = this.#apply.applyAll(records, this.#log)
      })
      if (cause === undefined) {
        this.#apply.succeeded()
        return { ...done, ...this.#takeDamaged() }
      }
      if (cause instanceof BadRecord) this.#apply.leaveOut(cause)
      else throw new Refusal(isCorrupt(cause) ? 'STORE_CORRUPT' : 'STORE_WRITE', { path: config.path, detail: describe(cause) })
    }
  }

  /** What it failed with; undefined: it is durable. */
  #attempt(work: () => void): unknown {
    try {
      transaction(this.#file.db, work)
      return undefined
    } catch (cause) {
      this.#apply.forget()
      return cause
    }
  }

  /** In one transaction with their gaps; those too that were found while it wrote. */
  #nameDamaged(rows: DamagedRow[] = []): void {
    const { unreadable } = this.#apply
    for (const row of rows) unreadable.find(row)
    if (unreadable.isDue() && this.#attempt(unreadable.name) === undefined) unreadable.named()
  }

  #takeDamaged(rows?: DamagedRow[]): Done {
    this.#nameDamaged(rows)
    return { damaged: this.#apply.unreadable.told() }
  }

  #open(id: string): Done {
    this.#log = id
    const rows = this.#positions.all(id) as { partition: number; next: number }[]
    return {
      positions: rows.map(({ partition, next }) => [partition, next]),
      otherLogs: this.#others.all(id).map((row) => (row as { log: string }).log),
    }
  }

  async #merge(): Promise<Done> {
    await this.#merging.all()
    await this.#retention.all()
    return this.#takeDamaged()
  }
}

serveCalls<ToWriter>(
  () => new StoreWriter(openFile(config.path)),
  (cause) => ({ code: isDamage(cause) ? 'STORE_CORRUPT' : 'STORE_OPEN', values: { path: config.path, detail: describe(cause) } }),
)
