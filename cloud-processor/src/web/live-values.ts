/** Gathers live readings between two flushes, by device, in columns. Bounded: past `samplesMax` a flush holds no more waveforms. */
import type { Column, ReadingsRecord, Segment } from '@millrace/contract'
import { timeSpan } from '@millrace/contract'
import type { FleetView } from './fleet-view.ts'
import { scaleColumn } from './scale.ts'
import type { LateEvent, ValuesEvent } from './wire.ts'

export interface LiveValues {
  add(record: ReadingsRecord): void
  /** Takes what was gathered. */
  takeValues(): ValuesEvent[]
  takeLate(): LateEvent[]
}

export function createLiveValues(fleet: Pick<FleetView, 'channel'>, samplesMax: number): LiveValues {
  let values = new Map<string, ValuesEvent>()
  let late = new Map<string, LateEvent>()
  let samples = 0

  const of = (device: string): ValuesEvent => {
    let event = values.get(device)
    if (!event) {
      event = { device, channels: {}, waves: {} }
      values.set(device, event)
    }
    return event
  }
  const addLate = (record: ReadingsRecord) => {
    const span = timeSpan(record)
    if (!span) return
    const known = late.get(record.device)
    const fromMs = Math.min(known?.fromMs ?? span.first, span.first)
    late.set(record.device, { device: record.device, fromMs, toMs: Math.max(known?.toMs ?? span.last, span.last) })
  }

  return {
    add(record) {
      if (record.hist) return addLate(record)
      const event = of(record.device)
      for (const name in record.channels) {
        appendColumn(event.channels, name, scaleColumn(record.channels[name]!, fleet.channel(record.device, name)))
      }
      for (const name in record.waves) {
        event.waves[name] ??= []
        for (const segment of record.waves[name]!) {
          samples += segment.v.length
          if (samples <= samplesMax) appendSegment(event.waves[name], segment)
        }
      }
      if (samples > samplesMax) addLate(record)
    },
    takeValues() {
      const taken = [...values.values()]
      values = new Map()
      samples = 0
      return taken
    },
    takeLate() {
      const taken = [...late.values()]
      late = new Map()
      return taken
    },
  }
}

function appendColumn(channels: Record<string, Column>, name: string, column: Column): void {
  const known = channels[name]
  if (!known) {
    channels[name] = column
    return
  }
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
