/** Counts: loaded when first touched, kept in memory up to a bound, written once at the end of each transaction that touched them. */
import type { DatabaseSync } from 'node:sqlite'
import type { Tally } from '@millrace/contract'

export interface Count {
  /** Touched since it was last written. */
  isTouched: boolean
  stored: Tally
  collapsed: Tally
}

interface DayCount extends Count {
  device: number
  day: number
  firstMs: number
  lastMs: number
}

interface StreamCount extends Count {
  stream: string
  device: number
}

interface Row {
  storedReadings: number
  storedSamples: number
  collapsedReadings: number
  collapsedSamples: number
}

const fromRow = (row: Row | undefined): Count => ({
  isTouched: false,
  stored: [row?.storedReadings ?? 0, row?.storedSamples ?? 0],
  collapsed: [row?.collapsedReadings ?? 0, row?.collapsedSamples ?? 0],
})

export function createCounts(db: DatabaseSync, countsMax: number) {
  const findDay = db.prepare('SELECT * FROM days WHERE device = ? AND day = ?')
  const findStream = db.prepare('SELECT * FROM streams WHERE stream = ? AND device = ?')
  const putDay = db.prepare('INSERT OR REPLACE INTO days VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
  const putStream = db.prepare('INSERT OR REPLACE INTO streams VALUES (?, ?, ?, ?, ?, ?)')
  const days = new Map<string, DayCount>()
  const streams = new Map<string, StreamCount>()
  const touchedDays: DayCount[] = []
  const touchedStreams: StreamCount[] = []
  function touch<C extends Count>(count: C, touched: C[]): C {
    if (!count.isTouched) touched.push(count)
    count.isTouched = true
    return count
  }
  return {
    day(device: number, day: number): DayCount {
      const key = `${device} ${day}`
      let count = days.get(key)
      if (!count) {
        const row = findDay.get(device, day) as unknown as (Row & { firstMs: number; lastMs: number }) | undefined
        const { firstMs = Number.POSITIVE_INFINITY, lastMs = Number.NEGATIVE_INFINITY } = row ?? {}
        count = { device, day, ...fromRow(row), firstMs, lastMs }
        days.set(key, count)
      }
      return touch(count, touchedDays)
    },
    stream(stream: string, device: number): StreamCount {
      const key = `${device} ${stream}`
      let count = streams.get(key)
      if (!count) {
        count = { stream, device, ...fromRow(findStream.get(stream, device) as unknown as Row | undefined) }
        streams.set(key, count)
      }
      return touch(count, touchedStreams)
    },
    /** At the end of the transaction. */
    write(): void {
      for (const count of touchedDays.splice(0)) {
        putDay.run(count.device, count.day, ...count.stored, ...count.collapsed, count.firstMs, count.lastMs)
        count.isTouched = false
      }
      for (const count of touchedStreams.splice(0)) {
        putStream.run(count.stream, count.device, ...count.stored, ...count.collapsed)
        count.isTouched = false
      }
      if (days.size > countsMax) days.clear()
      if (streams.size > countsMax) streams.clear()
    },
    /** The transaction was undone. */
    forget(): void {
      for (const all of [touchedDays, touchedStreams]) all.length = 0
      days.clear()
      streams.clear()
    },
  }
}
