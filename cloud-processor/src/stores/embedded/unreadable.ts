/**
 * Rows of the store that cannot be read. A reader that finds one goes on without it; here it is named once: an event, and a gap with the
 * reason `damaged` over the time that it held. The row stays where it is, until its hour is merged again or expires.
 */
import type { DatabaseSync } from 'node:sqlite'
import { catalogue } from '@millrace/platform/errors'
import { hourMs } from './file.ts'
import type { DamagedRow, Done } from './protocol.ts'

export interface UnreadableOptions {
  path: string
  addEvent(level: 'error', code: string, text: string): void
}

interface Owner {
  device: number
  name: string
  keptFrom: number
  hour: number
  channel: string
  wave: number
}

const unknownOwner: Partial<Owner> = {}

export class Unreadable {
  readonly #options: UnreadableOptions
  readonly #sql: ReturnType<typeof prepare>
  readonly #waiting = new Map<string, DamagedRow>()
  readonly #known = new Set<string>()
  #told: NonNullable<Done['damaged']> = []

  constructor(db: DatabaseSync, options: UnreadableOptions) {
    this.#options = options
    this.#sql = prepare(db)
    for (const { key } of this.#sql.all.all() as { key: string }[]) this.#known.add(key)
  }

  /** Found; named by the next `name`. */
  find(row: DamagedRow): void {
    if (!this.#known.has(row.key)) this.#waiting.set(row.key, row)
  }

  /** Inside a transaction: names what was found since. */
  readonly name = (): void => {
    for (const row of this.#waiting.values()) {
      const owner = this.#ownerOf(row)
      this.#sql.put.run(row.key, row.detail)
      const place = placeOf(row, owner)
      const text = catalogue.STORE_DAMAGED.says
        .replace('{path}', this.#options.path)
        .replace('{place}', place)
        .replace('{detail}', row.detail)
      this.#options.addEvent('error', 'STORE_DAMAGED', text)
      this.#putGap(row, owner)
    }
  }

  /** When that transaction is durable. */
  named(): void {
    for (const row of this.#waiting.values()) {
      this.#known.add(row.key)
      this.#told.push({ place: placeOf(row, this.#ownerOf(row)), detail: row.detail })
    }
    this.#waiting.clear()
  }

  isDue(): boolean {
    return this.#waiting.size > 0
  }

  /** What was named since it was last asked. */
  told(): NonNullable<Done['damaged']> {
    return this.#told.length === 0 ? this.#told : this.#told.splice(0)
  }

  #ownerOf({ series, hour, hourId }: DamagedRow): Partial<Owner> {
    const found = series === undefined ? this.#sql.ofHour.get(hourId!) : this.#sql.ofSeries.get(series, hour!)
    return (found as Owner | undefined) ?? unknownOwner
  }

  /** Of minutes that have their chunks still nothing is missing. */
  #putGap({ table, first, last, count }: DamagedRow, { device, hour, channel, wave, keptFrom }: Partial<Owner>): void {
    if (device === undefined || hour === undefined) return
    if (table === 'minutes' && hour >= keptFrom! * 24) return
    const [start, end] = [hour * hourMs, (hour + 1) * hourMs]
    const within = (at: number | undefined, otherwise: number) => (at !== undefined && at >= start && at < end ? at : otherwise)
    const lost = count !== undefined && Number.isSafeInteger(count) && count > 0 ? count : null
    const [readings, samples] = lost === null ? [null, null] : wave ? [0, lost] : [lost, 0]
    this.#sql.putGap.run(device, channel ?? '*', within(first, start), within(last, end), readings, samples)
  }
}

/** For people: of what device, channel and time it is. */
function placeOf({ key, table }: DamagedRow, { name, channel, hour }: Partial<Owner>): string {
  if (name === undefined || hour === undefined) return `row ${key}`
  const day = new Date(hour * hourMs).toISOString()
  const what = channel === undefined || channel === '*' ? name : `${name}/${channel}`
  return `${table === 'minutes' ? 'the roll-up' : table === 'chunks' ? 'a chunk' : 'a batch'} of ${what} in the hour from ${day} (row ${key})`
}

function prepare(db: DatabaseSync) {
  return {
    all: db.prepare('SELECT key FROM unreadable'),
    put: db.prepare('INSERT OR REPLACE INTO unreadable VALUES (?, ?)'),
    ofSeries: db.prepare(`SELECT device.id AS device, device.device AS name, keptFrom, channel, wave, ?2 AS hour FROM series
      JOIN devices AS device ON device.id = series.device WHERE series.id = ?1`),
    ofHour: db.prepare(`SELECT device.id AS device, device.device AS name, keptFrom, hour FROM hours
      JOIN devices AS device ON device.id = hours.device WHERE hours.id = ?`),
    putGap: db.prepare(`INSERT INTO gaps (device, channel, reason, fromMs, toMs, open, lostReadings, lostSamples)
      VALUES (?, ?, 'damaged', ?, ?, 0, ?, ?) ON CONFLICT (device, channel, reason, fromMs) DO UPDATE SET toMs = max(toMs, excluded.toMs),
      lostReadings = coalesce(lostReadings, 0) + coalesce(excluded.lostReadings, 0),
      lostSamples = coalesce(lostSamples, 0) + coalesce(excluded.lostSamples, 0)`),
  }
}
