/**
 * Marks silence repeats. Each record carries the position of the record it was made from and its index among that record's
 * outputs; one source partition's records arrive in that order, so a record that is not above the highest seen from its
 * (source log, source partition) is a repeat, made again after a crash or sent by a zombie. Marks are the reader's own
 * state, one set for each input partition, kept apart from its read offset.
 */
import type { Source } from '@millrace/contract'
import { isAbove } from '../log/source-order.ts'

/** `<source log>/<source partition>` to the highest (offset, index) taken. */
export type Marks = Record<string, [offset: number, index: number]>

/** True, and the mark moves, when the record is new; records without a source always are. */
export function pass(marks: Marks, source: Source | undefined): boolean {
  if (source === undefined) return true
  const key = `${source.log}/${source.partition}`
  const mark = marks[key]
  if (mark && !isAbove(source.offset, source.index, mark[0], mark[1])) return false
  marks[key] = [source.offset, source.index]
  return true
}
