/** Counts that a transaction changes: loaded when first touched, written once at its end. */
import type { DatabaseSync } from 'node:sqlite'
import type { Tally } from '@millrace/contract'

export interface Count {
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
  stored: [row?.storedReadings ?? 0, row?.storedSamples ?? 0],
  collapsed: [row?.collapsedReadings ?? 0, row?.collapsedSamples ?? 0],
})

export function createCounts(db: DatabaseSync) {
  const findDay = db.prepare('SELECT * FROM days WHERE device = ? AND day = ?')
  const findStream = db.prepare('SELECT * FROM streams WHERE stream = ? AND device = ?')
  const putDay = db.prepare('INSERT OR REPLACE INTO days VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
  const putStream = db.prepare('INSERT OR REPLACE INTO streams VALUES (?, ?, ?, ?, ?, ?)')
  const days = new Map<string, DayCount>()
  const streams = new Map<string, StreamCount>()
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
      return count
    },
    stream(stream: string, device: number): StreamCount {
      const key = `${device} ${stream}`
      let count = streams.get(key)
      if (!count) {
        count = { stream, device, ...fromRow(findStream.get(stream, device) as unknown as Row | undefined) }
        streams.set(key, count)
      }
      return count
    },
    /** At the end of the transaction. */
    write(): void {
      for (const { device, day, stored, collapsed, firstMs, lastMs } of days.values())
        putDay.run(device, day, ...stored, ...collapsed, firstMs, lastMs)
      for (const { stream, device, stored, collapsed } of streams.values()) putStream.run(stream, device, ...stored, ...collapsed)
    },
    forget(): void {
      days.clear()
      streams.clear()
    },
  }
}
