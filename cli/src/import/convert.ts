/** From rows to columns by device, and what is refused on the way, with its reason. */

import { epochMs, readTime } from '@millrace/cloud-processor/prepare'
import type { Channel, Segment, Value } from '@millrace/contract'
import { ownOr, ownValue } from '@millrace/platform'
import type { Block, Row } from './extracts/extract.ts'
import { type Converted, Gathering } from './gathering.ts'
import type { ChannelConfig, Source } from './job.ts'
import { faultOf, readValue } from './values.ts'

/** Times of rows, epoch ms. */
export interface Bounds {
  /** What is before is nothing that the processor takes. */
  fromMs: number
  /** What is before the store does not keep. */
  keptFromMs: number
  toMs: number
}

export class Converter {
  readonly #source: Source
  readonly #time: {
    column: string
    precision: 's' | 'ms' | 'us' | 'ns' | undefined
    zone: string | undefined
    startMs: number | undefined
  }
  readonly #missing: ReadonlySet<unknown>
  readonly #channels: { name: string; column: string; missing: ReadonlySet<unknown>; config: ChannelConfig }[]
  #bounds: Bounds

  constructor(source: Source, bounds: Bounds) {
    const { time, plugin, channels, missing } = source
    this.#source = source
    this.#bounds = bounds
    this.#missing = new Set<unknown>(missing)
    this.#time = {
      column: time.column ?? plugin.time!.column,
      precision: time.unit ?? (time.column === undefined ? plugin.time?.unit : undefined),
      zone: time.zone,
      startMs: time.start === undefined ? undefined : (readTime(time.start, {}) as number),
    }
    this.#channels = Object.entries(channels).map(([name, config]) => {
      return { name, column: config.column ?? name, config, missing: new Set<unknown>(config.missing) }
    })
  }

  convert({ rows, bad, waves = {}, place }: Block): Converted {
    const into = new Gathering()
    for (const { number, reason, text } of bad) into.refuse({ row: number, reason, value: text })
    for (const row of rows) this.#take(row, into)
    for (const [channel, segments] of Object.entries(waves)) this.#takeWave(channel, segments, { into, row: place.rows })
    return into.finish(rows.length + bad.length)
  }

  #take(row: Row, into: Gathering): void {
    const { number, fields } = row
    const t = this.#timeOf(ownValue(fields, this.#time.column))
    if (typeof t === 'string') return into.refuse({ row: number, reason: t, value: fields })
    const device = this.#deviceOf(fields)
    if (device === undefined) return into.refuse({ row: number, reason: 'device', value: fields })
    const columns = into.device(device)
    let written = 0
    let refused = 0
    for (const { name, column, config, missing } of this.#channels) {
      const raw = ownValue(fields, column)
      if (raw === undefined || raw === null || this.#missing.has(raw)) continue
      const value = readValue(raw, config)
      if (missing.has(value) || missing.has(raw)) continue
      const reason = faultOf(value, config)
      if (reason === undefined) {
        into.add(columns, name, { t, value: value as Value, row: number })
        written++
      } else {
        into.refused.push({ row: number, device, channel: name, reason, value: raw })
        refused++
      }
    }
    if (written === 0) refused > 0 ? into.refusedRows++ : into.empty++
  }

  #takeWave(channel: string, segments: Segment[], { into, row }: { into: Gathering; row: number }): void {
    const device = this.#source.device.name!
    for (const segment of segments) {
      const { t, v } = segment
      const reason = this.#outside(t)
      if (reason === undefined) ownOr(into.waves, channel, (): Segment[] => []).push(segment)
      else into.refused.push({ row, device, channel, reason, samples: v.length, value: new Date(t).toISOString() })
    }
  }

  /** Or why there is none. */
  #timeOf(value: unknown): number | string {
    const { precision, zone, startMs } = this.#time
    if (value === undefined || this.#missing.has(value)) return 'no-time'
    const ms = startMs === undefined ? readTime(value, { precision, zone }) : since(startMs, value, precision)
    if (typeof ms !== 'number') return 'time'
    return this.#outside(ms) ?? ms
  }

  #outside(ms: number): string | undefined {
    const { fromMs, keptFromMs, toMs } = this.#bounds
    if (ms > toMs) return 'future'
    if (ms < fromMs) return 'before-2000'
    return ms < keptFromMs ? 'too-old' : undefined
  }

  #deviceOf(fields: Row['fields']): string | undefined {
    const { name, column, prefix } = this.#source.device
    if (name !== undefined) return name
    const value = ownValue(fields, column!)
    const device = typeof value === 'string' || typeof value === 'number' ? `${prefix}${value}` : ''
    return device === prefix || /[+#/]/.test(device) ? undefined : device
  }
}

function since(startMs: number, value: unknown, unit: 's' | 'ms' | 'us' | 'ns' = 's'): number | undefined {
  const ms = epochMs(`${value}`.trim(), unit)
  return ms === undefined ? undefined : startMs + ms
}

/** As they are declared: what is imported is the past, for which nobody is called. */
export function channelsOf({ channels }: Source): Channel[] {
  const datatypes = { number: 'Double', text: 'String', boolean: 'Boolean' } as const
  return Object.entries(channels).map(([name, { kind, unit, code, min, max }]) => ({
    ...{ name, kind, datatype: datatypes[kind], unit, historical: true as const },
    ...(code === undefined ? {} : { code }),
    ...(min === undefined || max === undefined ? {} : { range: [min, max] as [number, number] }),
  }))
}
