/** What goes with the times of an entry: how far off the clock was that stamped them. */
import type { ClockOffset, GapRecord } from '@millrace/contract'
import type { Clocks } from '../clock/index.ts'
import type { Content, Entry } from '../outbox/index.ts'

/** A gap record has the times of the batches that it names. */
export function offsetOf(clocks: Clocks, { kind, stream, first }: Entry, content: Content): ClockOffset | undefined {
  if (kind !== 'gap' || !('text' in content)) return clocks.offsetOf(stream, first)
  const gap = JSON.parse(content.text) as GapRecord
  const stretches = Object.values(gap.devices).flat()
  return clocks.offsetOf(gap.stream, stretches[0]?.fromMs ?? first)
}

/** An absence may have begun in an earlier run, whose clock was another: told as the clock of this batch would have stamped it. */
export function withAbsences(clocks: Clocks | undefined, { stream, first }: Entry, content: Content): Content {
  if (!clocks || 'text' in content || !content.batch.columns.absences) return content
  const { batch } = content
  const besideMs = firstReading(batch.columns.channels) ?? first
  const absences = batch.columns.absences!.map((absence) => ({ ...absence, t: clocks.translate(absence.t, stream, besideMs) }))
  return { batch: { ...batch, columns: { ...batch.columns, absences } } }
}

function firstReading(channels: Record<string, { t: number[] }>): number | undefined {
  const times = Object.values(channels).flatMap(({ t }) => t.slice(0, 1))
  return times.length > 0 ? Math.min(...times) : undefined
}
