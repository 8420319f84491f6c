/** Alarms that are active as far as the topic was read, each with its newest record; in memory as well, for it is asked every second. */
import type { DatabaseSync } from 'node:sqlite'
import type { AlarmRecord } from '@millrace/contract'

export interface OpenAlarm {
  alarm: AlarmRecord
  /** Before this time (wall clock) no reminder of it is due. Known again after a restart. */
  nextMs?: number
}

export class OpenAlarms {
  readonly #db: DatabaseSync
  readonly #open = new Map<string, OpenAlarm>()

  constructor(db: DatabaseSync) {
    this.#db = db
    this.load()
  }

  /** After a transaction that failed, what is in memory may be ahead of the file. */
  load(): void {
    this.#open.clear()
    for (const { id, json } of this.#db.prepare('SELECT id, json FROM alarms WHERE json IS NOT NULL').all())
      this.#open.set(`${id}`, { alarm: JSON.parse(`${json}`) })
  }

  /** A change of an alarm that goes on. */
  see(alarm: AlarmRecord): void {
    const { changes } = this.#db.prepare('UPDATE alarms SET json = ? WHERE id = ?').run(JSON.stringify(alarm), alarm.id)
    if (changes > 0) this.#open.set(alarm.id, { alarm })
  }

  end(id: string): void {
    this.#open.delete(id)
  }

  get(id: string): OpenAlarm | undefined {
    return this.#open.get(id)
  }

  all(): IterableIterator<OpenAlarm> {
    return this.#open.values()
  }
}
