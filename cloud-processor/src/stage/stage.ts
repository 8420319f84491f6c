/**
 * A stage is a pure function `(state, record) → (state, outputs)` over one input topic. No clock, no I/O: time comes from
 * tick records, orders from control records. The runner owns the state, so `step` may change it in place.
 */
import type { Topic } from '@millrace/contract'
import type { LogRecord } from '../log/log.ts'

export interface Emit {
  /** `key` decides the output partition; `null` sends the record to every partition of the topic. */
  (topic: Topic, key: string | null, value: Uint8Array): void
}

export interface Stage<State> {
  name: string
  input: Topic
  initial(partition: number): State
  step(state: State, record: LogRecord, emit: Emit): void
  /** A snapshot's bytes; with its own format version. */
  encode(state: State): Uint8Array
  decode(bytes: Uint8Array): State
}
