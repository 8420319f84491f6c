/**
 * Gathers live readings between two flushes, by device, in columns. Bounded: past `samplesMax` readings and samples a device gets
 * what is its share, by the devices of the flush before, and the rest is told as late: a chart asks the store for it.
 */
import type { Column, ReadingsRecord, Segment } from '@millrace/contract'
import { countReadings, countSamples, timeSpan } from '@millrace/contract'
import { ownOr, ownValue, setOwn } from '@millrace/platform'
import type { FleetView } from './fleet-view.ts'
import { scaleColumn } from './scale.ts'
import type { LateEvent, ValuesEvent } from './wire.ts'

export interface LiveValues {
  add(record: ReadingsRecord): void
  /** Takes what was gathered. */
  takeValues(): ValuesEvent[]
  takeLate(): LateEvent[]
}

interface Gathered {
  event: ValuesEvent
  /** Readings and samples in it. */
  count: number
}

export function createLiveValues(fleet: Pick<FleetView, 'channel'>, samplesMax: number): LiveValues {
  return new Gathering(fleet, samplesMax)
}

class Gathering implements LiveValues {
  readonly #fleet: Pick<FleetView, 'channel'>
  readonly #samplesMax: number
  #values = new Map<string, Gathered>()
  #late = new Map<string, LateEvent>()
  #count = 0
  #share: number

  constructor(fleet: Pick<FleetView, 'channel'>, samplesMax: number) {
    this.#fleet = fleet
    this.#samplesMax = this.#share = samplesMax
  }

  add(record: ReadingsRecord): void {
    if (record.hist) return this.#addLate(record)
    const gathered = this.#of(record.device)
    const count = countReadings(record) + countSamples(record)
    if (this.#count + count > this.#samplesMax && gathered.count + count > this.#share) return this.#addLate(record)
    this.#count += count
    gathered.count += count
    const { channels, waves } = gathered.event
    for (const name in record.channels)
      appendColumn(channels, name, scaleColumn(record.channels[name]!, this.#fleet.channel(record.device, name)))
    for (const name in record.waves) {
      const segments = ownOr(waves, name, () => [])
      for (const segment of record.waves[name]!) appendSegment(segments, segment)
    }
  }

  #of(device: string): Gathered {
    let gathered = this.#values.get(device)
    if (!gathered) {
      gathered = { event: { device, channels: {}, waves: {} }, count: 0 }
      this.#values.set(device, gathered)
    }
    return gathered
  }

  #addLate(record: ReadingsRecord): void {
    const span = timeSpan(record)
    if (!span) return
    const known = this.#late.get(record.device)
    const fromMs = Math.min(known?.fromMs ?? span.first, span.first)
    this.#late.set(record.device, { device: record.device, fromMs, toMs: Math.max(known?.toMs ?? span.last, span.last) })
  }

  takeValues(): ValuesEvent[] {
    const taken = [...this.#values.values()].map(({ event }) => event)
    this.#share = Math.floor(this.#samplesMax / Math.max(1, taken.length))
    this.#values = new Map()
    this.#count = 0
    return taken
  }

  takeLate(): LateEvent[] {
    const taken = [...this.#late.values()]
    this.#late = new Map()
    return taken
  }
}

function appendColumn(channels: Record<string, Column>, name: string, column: Column): void {
  const known = ownValue(channels, name)
  if (!known) return setOwn(channels, name, column)
  if (column.q || known.q) known.q = [...(known.q ?? known.t.map(() => 0)), ...(column.q ?? column.t.map(() => 0))]
  known.t = known.t.concat(column.t)
  known.v = known.v.concat(column.v)
}

/** Joins a segment that goes on where the last one ended. */
function appendSegment(segments: Segment[], segment: Segment): void {
  const last = segments.at(-1)
  if (last && last.i === segment.i && Math.abs(last.t + last.v.length * last.i - segment.t) < segment.i / 4) {
    last.v = last.v.concat(segment.v)
  } else segments.push({ ...segment })
}
