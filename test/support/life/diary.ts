import type { Control, Value } from '@millrace/contract'
import type { Random } from '../../simulation/random.ts'

/** What a part of the installation writes down as it goes. */
export interface Diary {
  random: Random
  nowMs: number
  message(key: string, topic: string, payload: Uint8Array): void
  order(control: Control): void
  measured(one: Measured): void
}

/** A reading, or a sample of a waveform, that must be on the timeline once; `value` is scaled. */
export interface Measured {
  device: string
  channel: string
  t: number
  value: Value
}
