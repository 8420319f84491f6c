/**
 * How far a sink is in one partition of a topic, kept in the log with what it must know of what came before: the marks of a sink in
 * which a repeat would show, and its own memory. As JSON; empty for a sink that needs neither.
 *
 * A position is kept only when what was refused before it is rejected: the runner rejects after `took`, and comes back with the
 * next records when that is durable.
 */
import type { Topic } from '@millrace/contract'
import type { Clock } from '@millrace/platform'
import type { LogRecord } from '../log/log.ts'
import { type Kept, type Marks, pass } from '../stage/index.ts'
import type { Sink } from './sink.ts'

/** How much is written again, under the same ids, after a crash: at most so many records, or so long. */
const keepEvery = { records: 5000, ms: 5000 }

export interface Position {
  /** The next offset as it was kept, if it was. */
  restore(kept: Kept): Promise<number | undefined>
  /** Asked before records are taken, and after. */
  saveIfDue(): Promise<void>
  withoutRepeats(records: LogRecord[]): LogRecord[]
  /** @param isWhole nothing of them was refused */
  took(records: LogRecord[], isWhole: boolean): void
  /** Once nothing is taken any more. */
  saveLast(): Promise<void>
}

export function createPosition({ isIdempotent, memory }: Sink, topic: Topic, partition: number, clock: Clock): Position {
  const isBare = isIdempotent && !memory
  let kept: Kept | undefined
  let marks: Marks = {}
  /** After what was taken since this was restored. */
  let next: number | undefined
  let isWhole = true
  let since = { records: 0, ms: clock.monotonic() }

  async function save(): Promise<void> {
    const state = isBare ? new Uint8Array() : Buffer.from(JSON.stringify({ marks, memory: memory?.save(topic, partition) }))
    await kept!.save({ next: next!, state })
    since = { records: 0, ms: clock.monotonic() }
  }

  return {
    async restore(from) {
      kept = from
      next = undefined
      const { next: offset, state } = (await from.load()) ?? {}
      const saved = state && state.length > 0 ? JSON.parse(Buffer.from(state).toString()) : {}
      marks = saved.marks ?? {}
      memory?.restore(topic, partition, saved.memory)
      return offset
    },
    async saveIfDue() {
      const isDue = since.records >= keepEvery.records || clock.monotonic() - since.ms >= keepEvery.ms
      if (next !== undefined && isDue) await save()
    },
    withoutRepeats: (records) => (isIdempotent ? records : records.filter(({ source }) => pass(marks, source))),
    took(records, whole) {
      next = records.at(-1)!.offset + 1
      since.records += records.length
      isWhole = whole
    },
    async saveLast() {
      if (next !== undefined && isWhole && since.records > 0) await save()
    },
  }
}
