/** Damage of the log as the store was told of it, and what it took of each stream and device: accounting/damage.ts. */
import type { DatabaseSync } from 'node:sqlite'
import type { Tally } from '@millrace/contract'
import { type Damaged, damagesMax, type lostAt } from '../accounting/damage.ts'
import type { Gaps } from './gaps.ts'
import type { Device } from './hours.ts'

export class Damages {
  readonly #sql: ReturnType<typeof prepare>
  readonly #gaps: Gaps
  #all: Damaged[] | undefined

  constructor(db: DatabaseSync, gaps: Gaps) {
    this.#sql = prepare(db)
    this.#gaps = gaps
  }

  take({ fromMs, toMs }: Damaged): void {
    this.#sql.put.run(fromMs, toMs)
    this.#sql.dropOld.run(damagesMax)
    this.#all = undefined
  }

  /** Oldest first. */
  all(): Damaged[] {
    this.#all ??= this.#sql.all.all() as unknown as Damaged[]
    return this.#all
  }

  any(): boolean {
    return this.all().length > 0
  }

  /** Undefined where nothing was. */
  lostOf(stream: string, device: number): Tally | undefined {
    if (!this.any()) return undefined
    const row = this.#sql.lostOf.get(stream, device) as { readings: number; samples: number } | undefined
    return row && [row.readings, row.samples]
  }

  /** Returns what was lost of the stream and device in all. */
  add(stream: string, device: Device, { lost, by }: NonNullable<ReturnType<typeof lostAt>>): Tally {
    const { readings, samples } = this.#sql.addLost.get(stream, device.id, ...lost) as { readings: number; samples: number }
    const { fromMs, toMs } = by
    this.#gaps.addLost(device, { reason: 'damaged', fromMs, toMs, lost })
    return [readings, samples]
  }

  /** Its cut is summed with earlier ones, as it is. */
  forget(stream: string, device: number): void {
    this.#sql.forget.run(stream, device)
  }

  /** The transaction was undone. */
  undo(): void {
    this.#all = undefined
  }
}

function prepare(db: DatabaseSync) {
  return {
    put: db.prepare('INSERT INTO damages (fromMs, toMs) VALUES (?, ?)'),
    dropOld: db.prepare('DELETE FROM damages WHERE id <= (SELECT max(id) FROM damages) - ?'),
    all: db.prepare('SELECT fromMs, toMs FROM damages ORDER BY id'),
    lostOf: db.prepare('SELECT readings, samples FROM lost WHERE stream = ? AND device = ?'),
    addLost: db.prepare(`INSERT INTO lost VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
      readings = readings + excluded.readings, samples = samples + excluded.samples RETURNING readings, samples`),
    forget: db.prepare('DELETE FROM lost WHERE stream = ? AND device = ?'),
  }
}
