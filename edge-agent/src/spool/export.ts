/**
 * Batches as JSON lines, one a batch:
 *
 *   {"id":3,"setAside":true,"stream":"…","number":17,"device":"bed-1","channels":{"spo2":{"unit":"%","t":[…],"v":[…]}},"waves":{"pleth":[{"t":…,"i":10,"v":[…]}]},"bad":[…]}
 *
 * Values are in the channel's unit. A batch that cannot be read has `payload`, its bytes in base64, and `error`.
 */
import { type Channel, scaled } from '@millrace/contract'
import { type Batch, decodeContent } from '../outbox/content.ts'
import type { Entry } from '../outbox/entry.ts'
import type { Chosen, SpoolFile, SpoolRow } from './file.ts'

export function* exportLines(file: SpoolFile, chosen: Chosen): Generator<string> {
  for (const table of ['waiting', 'aside'] as const)
    for (const row of file.rows(table, chosen)) if (row.entry.kind === 'data') yield JSON.stringify(describeRow(file, row))
}

function describeRow(file: SpoolFile, row: SpoolRow): object {
  const { id, isAside, entry } = row
  const { stream, number, device } = entry
  const name = { id, setAside: isAside, stream, number, device }
  const payload = file.payload(row)
  try {
    return { ...name, ...readable(file, entry, payload) }
  } catch (error) {
    return { ...name, error: (error as Error).message, payload: Buffer.from(payload).toString('base64') }
  }
}

function readable(file: SpoolFile, { declaration }: Entry, payload: Uint8Array): object {
  const { batch } = decodeContent('data', payload) as { batch: Batch }
  const table = new Map(file.declaration(declaration)?.channels.map(({ alias, channel }) => [`${alias}`, channel]))
  const { channels, waves, absences } = batch.columns
  const named = <T, U>(columns: Record<string, T>, describe: (column: T, channel: Channel) => U) =>
    Object.fromEntries(
      Object.entries(columns).map(([alias, column]) => {
        const channel = table.get(alias)
        if (!channel) throw new Error(`the declaration ${declaration} of alias ${alias} is not in the file`)
        return [channel.name, describe(column, channel)]
      }),
    )
  return {
    channels: named(channels, (column, channel) => ({ unit: channel.unit, ...column, v: inUnit(column.v, channel) })),
    waves: named(waves, (segments, channel) => segments.map((segment) => ({ ...segment, v: inUnit(segment.v, channel) }))),
    ...(absences ? { absences } : {}),
    bad: batch.bad,
  }
}

function inUnit(values: ArrayLike<unknown>, channel: Channel): unknown[] {
  return Array.from(values, (value) => (typeof value === 'number' ? scaled(value, channel) : value))
}
