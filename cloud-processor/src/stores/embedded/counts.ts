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

export function createCounts(db: DatabaseSync, countsMax: number) {
  const findDay = db.prepare('SELECT * FROM days WHERE device = ? AND day = ? AND stream = ?')
  const streamsOfDay = db.prepare('SELECT stream FROM days WHERE device = ? AND day = ?')
  const findStream = db.prepare('SELECT * FROM streams WHERE stream = ? AND device = ?')
  const putDay = db.prepare('INSERT OR REPLACE INTO days VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const dropDay = db.prepare('DELETE FROM days WHERE device = ? AND day = ?')
  const putStream = db.prepare('INSERT OR REPLACE INTO streams VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
  const renameDays = db.prepare(`INSERT INTO days SELECT device, day, ?3, storedReadings, storedSamples, collapsedReadings,
    collapsedSamples, firstMs, lastMs FROM days WHERE device = ?2 AND stream = ?1 ON CONFLICT DO UPDATE SET ${added(['stored', 'collapsed'])},
    firstMs = min(firstMs, excluded.firstMs), lastMs = max(lastMs, excluded.lastMs)`)
  const renameStream = db.prepare(`INSERT INTO streams SELECT ?3, device, storedReadings, storedSamples, collapsedReadings,
    collapsedSamples, expiredReadings, expiredSamples FROM streams WHERE stream = ?1 AND device = ?2
    ON CONFLICT DO UPDATE SET ${added(['stored', 'collapsed', 'expired'])}`)
  const dropDays = db.prepare('DELETE FROM days WHERE stream = ? AND device = ?')
  const dropStream = db.prepare('DELETE FROM streams WHERE stream = ? AND device = ?')
  const days = new Map<string, DayCount>()
  const streams = new Map<string, StreamCount>()
  const touchedDays: DayCount[] = []
  const touchedStreams: StreamCount[] = []

  function touch<C extends Count>(count: C, touched: C[]): C {
    if (!count.isTouched) touched.push(count)
    count.isTouched = true
    return count
  }

  function day(device: number, at: number, stream: string): DayCount {
    const key = `${device} ${at} ${stream}`
    let count = days.get(key)
    if (!count) {
      const row = findDay.get(device, at, stream) as unknown as DayRow | undefined
      const { firstMs = Number.POSITIVE_INFINITY, lastMs = Number.NEGATIVE_INFINITY } = row ?? {}
      count = { device, day: at, stream, ...fromRow(row), firstMs, lastMs }
      days.set(key, count)
    }
    return touch(count, touchedDays)
  }

  function write(): void {
    for (const count of touchedDays.splice(0)) {
      putDay.run(count.device, count.day, count.stream, ...count.stored, ...count.collapsed, count.firstMs, count.lastMs)
      count.isTouched = false
    }
    for (const count of touchedStreams.splice(0)) {
      putStream.run(count.stream, count.device, ...count.stored, ...count.collapsed, ...count.expired)
      count.isTouched = false
    }
    if (days.size > countsMax) days.clear()
    if (streams.size > countsMax) streams.clear()
  }

  function forget(): void {
    for (const all of [touchedDays, touchedStreams]) all.length = 0
    days.clear()
    streams.clear()
  }

  return {
    day,
    stream(stream: string, device: number): StreamCount {
      const key = `${device} ${stream}`
      let count = streams.get(key)
      if (!count) {
        const row = findStream.get(stream, device) as unknown as StreamRow | undefined
        count = { stream, device, ...fromRow(row), expired: [row?.expiredReadings ?? 0, row?.expiredSamples ?? 0] }
        streams.set(key, count)
      }
      return touch(count, touchedStreams)
    },
    /** Counts of a device's day, which are taken out. */
    takeDay(device: number, at: number): DayCount[] {
      write()
      const taken = (streamsOfDay.all(device, at) as { stream: string }[]).map(({ stream }) => day(device, at, stream))
      dropDay.run(device, at)
      touchedDays.length = 0
      for (const { stream } of taken) days.delete(`${device} ${at} ${stream}`)
      return taken
    },
    /** Adds the counts of one stream of a device to those of another. */
    rename(stream: string, device: number, to: string): void {
      write()
      renameDays.run(stream, device, to)
      dropDays.run(stream, device)
      renameStream.run(stream, device, to)
      dropStream.run(stream, device)
      forget()
    },
    /** At the end of the transaction. */
    write,
    /** The transaction was undone. */
    forget,
  }
}

export type Counts = ReturnType<typeof createCounts>

function added(names: string[]): string {
  const columns = names.flatMap((name) => [`${name}Readings`, `${name}Samples`])
  return columns.map((column) => `${column} = ${column} + excluded.${column}`).join(', ')
}
