/**
 * Readings that wait to be published, as they came: columns of one channel and record. They become rows, sorted, when they are
 * published.
 */
import { qualityCodes, type ReadingsRecord, type Segment, scaled, type Value } from '@millrace/contract'
import type { DeclaredChannel } from '../declared.ts'
import { type ColumnName, columns, emptyRows, type Rows } from './schema.ts'

const qualities = Object.fromEntries(Object.entries(qualityCodes).map(([name, code]) => [code, name]))

interface Origin {
  record: ReadingsRecord
  log: string
  position: number
  declared: DeclaredChannel | undefined
}

/** One reading or segment, by where it is. */
interface Item {
  origin: Origin
  t: number
  value?: Value
  q?: number
  segment?: Segment
}

const dayMs = 86_400_000
const dayOf = (ms: number): number => Math.floor(ms / dayMs)
export const dayName = (day: number): string => new Date(day * dayMs).toISOString().split('T')[0]!

/** A series in the order in which files are sorted. */
const seriesKey = (device: string, channel: string) => JSON.stringify([device, channel])

export class Held {
  readonly #series = new Map<string, Item[]>()
  rows = 0
  samples = 0
  readonly days = new Set<number>()

  add(record: ReadingsRecord, at: { log: string; position: number; declared: Map<string, DeclaredChannel> }): void {
    const { log, position, declared } = at
    const originOf = (channel: string): Origin => ({ record, log, position, declared: declared.get(channel) })
    for (const [channel, { t, v, q }] of Object.entries(record.channels)) {
      const origin = originOf(channel)
      const items = this.#of(record.device, channel)
      for (const [k, ms] of t.entries()) this.#put(items, { origin, t: ms, value: v[k]!, q: q?.[k] ?? 0 })
    }
    for (const [channel, segments] of Object.entries(record.waves)) {
      const origin = originOf(channel)
      const items = this.#of(record.device, channel)
      for (const segment of segments) this.#put(items, { origin, t: segment.t, segment })
    }
  }

  /** Series by series, each sorted by time and position, cut at days. */
  *byDay(): Generator<{ day: number; rows: Rows }> {
    const keys = [...this.#series.keys()].map((key) => ({ key, series: JSON.parse(key) as [string, string] }))
    keys.sort((a, b) => compare(a.series[0], b.series[0]) || compare(a.series[1], b.series[1]))
    for (const { key, series } of keys) {
      // A stable sort: those of one time stay in the order of their positions.
      const items = this.#series.get(key)!.sort((a, b) => a.t - b.t)
      for (const [day, ofDay] of Map.groupBy(items, ({ t }) => dayOf(t))) yield { day, rows: rowsOf(series, ofDay) }
    }
  }

  #of(device: string, channel: string): Item[] {
    const key = seriesKey(device, channel)
    const items = this.#series.get(key) ?? []
    this.#series.set(key, items)
    return items
  }

  #put(items: Item[], item: Item): void {
    items.push(item)
    this.rows++
    this.samples += item.segment?.v.length ?? 0
    this.days.add(dayOf(item.t))
  }
}

export const compare = <T extends string | bigint>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0)

const micros = (ms: number): bigint => BigInt(Math.round(ms * 1000))

function rowsOf([device, channel]: [string, string], items: Item[]): Rows {
  const rows = emptyRows()
  for (const item of items) {
    const { record, log, position, declared } = item.origin
    const row: Record<ColumnName, unknown> = {
      device,
      channel,
      time: micros(item.t),
      ...contentOf(item, declared),
      quality: qualities[item.q ?? 0],
      unit: declared?.unit ?? null,
      scale: declared?.scale ?? null,
      offset: declared?.offset ?? null,
      subject: record.subject,
      historical: record.hist,
      received: micros(record.receivedMs),
      stream: record.stream ?? null,
      number: record.number === undefined ? null : BigInt(record.number),
      log,
      position: BigInt(position),
    }
    for (const { name } of columns) rows[name].push(row[name])
  }
  return rows
}

type Content = Record<'value' | 'raw' | 'text' | 'flag' | 'samples' | 'interval_ms', unknown>
const none: Content = { value: null, raw: null, text: null, flag: null, samples: null, interval_ms: null }

function contentOf({ value, segment }: Item, declared: DeclaredChannel | undefined): Content {
  if (segment) return { ...none, samples: segment.v, interval_ms: segment.i }
  if (typeof value === 'string') return { ...none, text: value }
  if (typeof value === 'boolean') return { ...none, flag: value }
  const number = value as number
  const isScaled = declared?.scale !== undefined || declared?.offset !== undefined
  // 972 of a tenth is 97.2: the digits that only binary fractions have are left away; `raw` is exact.
  return isScaled ? { ...none, value: Number(scaled(number, declared).toPrecision(12)), raw: number } : { ...none, value: number }
}
