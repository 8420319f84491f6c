/** What a block gives: columns by device, and what was refused of it. */
import type { Column, Segment, Value } from '@millrace/contract'
import { setOwn } from '@millrace/platform'

export interface Refused {
  row: number
  /** Of one value; absent: the row. */
  channel?: string
  device?: string
  reason: string
  /** So many of a waveform. */
  samples?: number
  value: unknown
}

/** What became of a block. */
export interface Converted {
  /** By device, times rising. */
  devices: Map<string, Record<string, Column>>
  /** Of the device of the source, by channel. */
  waves: Record<string, Segment[]>
  refused: Refused[]
  /** Rows of which nothing was refused and nothing is there. */
  empty: number
  /** Rows refused as a whole, and those of which every value was refused. */
  refusedRows: number
  readings: number
  rows: number
}

interface Numbered extends Column {
  rows: number[]
}

export class Gathering {
  readonly refused: Refused[] = []
  readonly waves: Record<string, Segment[]> = {}
  empty = 0
  refusedRows = 0
  readonly #devices = new Map<string, Map<string, Numbered>>()

  device(name: string): Map<string, Numbered> {
    const columns = this.#devices.get(name) ?? new Map()
    this.#devices.set(name, columns)
    return columns
  }

  add(columns: Map<string, Numbered>, channel: string, { t, value, row }: { t: number; value: Value; row: number }): void {
    let column = columns.get(channel)
    if (!column) {
      column = { t: [], v: [], rows: [] }
      columns.set(channel, column)
    }
    column.t.push(t)
    column.v.push(value)
    column.rows.push(row)
  }

  refuse(refused: Refused): void {
    this.refused.push(refused)
    this.refusedRows++
  }

  /** A channel has a millisecond once: the first of a block stays. One of another block collapses in the store, and is counted there. */
  finish(rows: number): Converted {
    const { refused, empty, refusedRows } = this
    const devices: Converted['devices'] = new Map()
    let readings = 0
    for (const [device, columns] of this.#devices) {
      const risen: Record<string, Column> = {}
      for (const [channel, column] of columns) {
        const { t, v } = rising(column, (row, value) => refused.push({ row, device, channel, reason: 'time-repeated', value }))
        setOwn(risen, channel, { t, v })
        readings += t.length
      }
      if (columns.size > 0) devices.set(device, risen)
    }
    return { devices, waves: this.waves, refused, empty, refusedRows, readings, rows }
  }
}

function rising(column: Numbered, onRepeat: (row: number, value: Value) => void): Column {
  const { t, v, rows } = column
  if (t.every((at, k) => k === 0 || at > t[k - 1]!)) return column
  const order = t.map((_, k) => k).sort((a, b) => t[a]! - t[b]! || a - b)
  const risen: Column = { t: [], v: [] }
  for (const k of order) {
    if (risen.t.at(-1) === t[k]) onRepeat(rows[k]!, v[k]!)
    else {
      risen.t.push(t[k]!)
      risen.v.push(v[k]!)
    }
  }
  return risen
}
