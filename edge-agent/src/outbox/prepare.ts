/** From what a device's pipeline drained to encoded batches that wait for their numbers. */
import { type BadFrame, type Columns, countReadings, countSamples, type EdgeCounts, timeSpan } from '@millrace/contract'
import type { Declaration } from '@millrace/contract/sparkplug'
import { type Batch, encodeContent } from './content.ts'
import { type BatchBounds, split } from './split.ts'
import type { Prepared } from './work.ts'

/** What one device gave since it was drained last; `counts` are the increments that belong to it. */
export interface Drained {
  device: string
  columns: Columns
  bad: BadFrame[]
  counts: EdgeCounts
}

export function prepareBatches(drained: Drained, declaration: Declaration, bounds: BatchBounds, nowMs: number): Prepared[] {
  const columns = byAlias(drained.columns, declaration)
  return split(columns, drained.bad, bounds).map((batch) => prepareBatch(batch, drained.device, declaration.id, nowMs))
}

function prepareBatch(batch: Batch, device: string, declaration: string, nowMs: number): Prepared {
  const span = timeSpan(batch.columns) ?? { first: batch.bad[0]?.atMs ?? nowMs, last: batch.bad.at(-1)?.atMs ?? nowMs }
  const { channels, waves } = batch.columns
  // An absence may lie elsewhere.
  const given = timeSpan({ channels, waves })
  return {
    device,
    declaration,
    content: { batch },
    payload: encodeContent({ batch }),
    count: countReadings(batch.columns),
    samples: countSamples(batch.columns),
    first: span.first,
    last: span.last,
    createdMs: nowMs,
    ...(given ? { given: [given.first, given.last] } : {}),
  }
}

/** Absences keep their channel's name: it is text for people, and `*` has no alias. */
function byAlias({ channels, waves, absences }: Columns, { device, channels: table }: Declaration): Columns {
  const aliases = new Map(table.map(({ alias, channel }) => [channel.name, `${alias}`]))
  const rename = <T>(columns: Record<string, T>): Record<string, T> => {
    const renamed: Record<string, T> = {}
    for (const name in columns) {
      const alias = aliases.get(name)
      if (alias === undefined) throw new Error(`channel ${name} of ${device} was not declared to the outbox`)
      renamed[alias] = columns[name]!
    }
    return renamed
  }
  return { channels: rename(channels), waves: rename(waves), ...(absences?.length ? { absences } : {}) }
}
