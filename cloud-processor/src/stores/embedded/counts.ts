/** Counts: loaded when first touched, kept in memory up to a bound, written once at the end of each transaction that touched them. */
import type { DatabaseSync } from 'node:sqlite'
import type { Tally } from '@millrace/contract'

interface Count {
  /** Touched since it was last written. */
  isTouched: boolean
  stored: Tally
  collapsed: Tally
}

/** Of one device, one event day, one stream. */
export interface DayCount extends Count {
  device: number
  day: number
  stream: string
  firstMs: number
  lastMs: number
}

/** Of one device and one stream: its days, and what has expired. */
export interface StreamCount extends Count {
  stream: string
  device: number
  expired: Tally
}

interface Row {
  storedReadings: number
  storedSamples: number
  collapsedReadings: number
  collapsedSamples: number
}
type DayRow = Row & { firstMs: number; lastMs: number }
type StreamRow = Row & { expiredReadings: number; expiredSamples: number }

const fromRow = (row: Row | undefined): Count => ({
  isTouched: false,
  stored: [row?.storedReadings ?? 0, row?.storedSamples ?? 0],
  collapsed: [row?.collapsedReadings ?? 0, row?.collapsedSamples ?? 0],
})

export class Counts {
  readonly #sql: ReturnType<typeof prepare>
  readonly #countsMax: number
  readonly #days = new Map<string, DayCount>()
  readonly #streams = new Map<string, StreamCount>()
  readonly #touchedDays: DayCount[] = []
  readonly #touchedStreams: StreamCount[] = []

  constructor(db: DatabaseSync, countsMax: number) {
    this.#sql = prepare(db)
    this.#countsMax = countsMax
  }

  day(device: number, at: number, stream: string): DayCount {
    const key = dayKey(device, at, stream)
    let count = this.#days.get(key)
    if (!count) {
      const row = this.#sql.findDay.get(device, at, stream) as unknown as DayRow | undefined
      const { firstMs = Number.POSITIVE_INFINITY, lastMs = Number.NEGATIVE_INFINITY } = row ?? {}
      count = { device, day: at, stream, ...fromRow(row), firstMs, lastMs }
      this.#days.set(key, count)
    }
    return touch(count, this.#touchedDays)
  }

  stream(stream: string, device: number): StreamCount {
    const key = `${device} ${stream}`
    let count = this.#streams.get(key)
    if (!count) {
      const row = this.#sql.findStream.get(stream, device) as unknown as StreamRow | undefined
      count = { stream, device, ...fromRow(row), expired: [row?.expiredReadings ?? 0, row?.expiredSamples ?? 0] }
      this.#streams.set(key, count)
    }
    return touch(count, this.#touchedStreams)
  }

  /** Counts of a device's day, which are taken out. */
  takeDay(device: number, at: number): DayCount[] {
    this.write()
    const streams = this.#sql.streamsOfDay.all(device, at) as { stream: string }[]
    const taken = streams.map(({ stream }) => this.day(device, at, stream))
    this.#sql.dropDay.run(device, at)
    this.#touchedDays.length = 0
    for (const { stream } of taken) this.#days.delete(dayKey(device, at, stream))
    return taken
  }

  /** Adds the counts of one stream of a device to those of another. */
  rename(stream: string, device: number, to: string): void {
    this.write()
    this.#sql.renameDays.run(stream, device, to)
    this.#sql.dropDays.run(stream, device)
    this.#sql.renameStream.run(stream, device, to)
    this.#sql.dropStream.run(stream, device)
    this.forget()
  }

  /** At the end of the transaction. */
  write(): void {
    for (const count of this.#touchedDays.splice(0)) {
      const { device, day, stream, stored, collapsed, firstMs, lastMs } = count
      this.#sql.putDay.run(device, day, stream, ...stored, ...collapsed, firstMs, lastMs)
      count.isTouched = false
    }
    for (const count of this.#touchedStreams.splice(0)) {
      this.#sql.putStream.run(count.stream, count.device, ...count.stored, ...count.collapsed, ...count.expired)
      count.isTouched = false
    }
    if (this.#days.size > this.#countsMax) this.#days.clear()
    if (this.#streams.size > this.#countsMax) this.#streams.clear()
  }

  /** The transaction was undone. */
  forget(): void {
    this.#touchedDays.length = 0
    this.#touchedStreams.length = 0
    this.#days.clear()
    this.#streams.clear()
  }
}

const dayKey = (device: number, day: number, stream: string) => `${device} ${day} ${stream}`

function touch<C extends Count>(count: C, touched: C[]): C {
  if (!count.isTouched) touched.push(count)
  count.isTouched = true
  return count
}

function prepare(db: DatabaseSync) {
  return {
    findDay: db.prepare('SELECT * FROM days WHERE device = ? AND day = ? AND stream = ?'),
    streamsOfDay: db.prepare('SELECT stream FROM days WHERE device = ? AND day = ?'),
    findStream: db.prepare('SELECT * FROM streams WHERE stream = ? AND device = ?'),
    putDay: db.prepare('INSERT OR REPLACE INTO days VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    dropDay: db.prepare('DELETE FROM days WHERE device = ? AND day = ?'),
    putStream: db.prepare('INSERT OR REPLACE INTO streams VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
    renameDays: db.prepare(`INSERT INTO days SELECT device, day, ?3, storedReadings, storedSamples, collapsedReadings,
      collapsedSamples, firstMs, lastMs FROM days WHERE device = ?2 AND stream = ?1 ON CONFLICT DO UPDATE SET ${added(['stored', 'collapsed'])},
      firstMs = min(firstMs, excluded.firstMs), lastMs = max(lastMs, excluded.lastMs)`),
    renameStream: db.prepare(`INSERT INTO streams SELECT ?3, device, storedReadings, storedSamples, collapsedReadings,
      collapsedSamples, expiredReadings, expiredSamples FROM streams WHERE stream = ?1 AND device = ?2
      ON CONFLICT DO UPDATE SET ${added(['stored', 'collapsed', 'expired'])}`),
    dropDays: db.prepare('DELETE FROM days WHERE stream = ? AND device = ?'),
    dropStream: db.prepare('DELETE FROM streams WHERE stream = ? AND device = ?'),
  }
}

function added(names: string[]): string {
  const columns = names.flatMap((name) => [`${name}Readings`, `${name}Samples`])
  return columns.map((column) => `${column} = ${column} + excluded.${column}`).join(', ')
}
