/** What the devices of this gateway measured, as `prepare` puts it on the timeline of the cloud: the engine is the same, so its input is too. */
import type { Channel, Column, DeclarationRecord, TimelineRecord } from '@millrace/contract'
import type { Drained } from '../outbox/index.ts'

export interface Declared {
  id: string
  channels: Channel[]
}

/** Each device is a node of its own: what is silent here is not behind a link that may be down. */
export function declarationOf({ id, channels }: Declared): DeclarationRecord {
  return { f: 1, k: 'declaration', subject: id, device: id, node: id, channels }
}

/** Channels whose values the wire carries in 32 bits: the cloud judges what arrives. */
export function roundedChannels({ channels }: Declared): Set<string> {
  return new Set(channels.filter(({ datatype }) => datatype === 'Float').map(({ name }) => name))
}

/** Absences first, as in the cloud. Waveforms are not judged. */
export function* recordsOf({ device, columns }: Drained, rounded: Set<string>, receivedMs: number): Generator<TimelineRecord> {
  const about = { f: 1, subject: device, device } as const
  for (const { channel, t, reason } of columns.absences ?? [])
    yield { ...about, k: 'gap', reason, fromMs: t, ...(channel === '*' ? {} : { channel }) }
  const { channels } = columns
  for (const _ in channels) {
    yield { ...about, k: 'readings', hist: false, receivedMs, channels: asSent(channels, rounded), waves: {} }
    return
  }
}

function asSent(channels: Record<string, Column>, rounded: Set<string>): Record<string, Column> {
  if (rounded.size === 0) return channels
  return Object.fromEntries(Object.entries(channels).map(([name, column]) => [name, rounded.has(name) ? round(column) : column]))
}

function round(column: Column): Column {
  return { ...column, v: column.v.map((value) => (typeof value === 'number' ? Math.fround(value) : value)) }
}
