/** What the two framings share. */
import type { AbsenceReason } from '@millrace/contract'
import type { Decoder, DecoderPlugin } from '../decoder.ts'

/** What one real-time frame says. `invalid`: the device has no values, and why. */
export interface Vitals {
  pulseRate: number
  spo2: number
  pleth: number
  invalid?: AbsenceReason
}

/** How one framing is matched, read and written. */
export interface Framing {
  /** See `Match` in framer.ts. */
  match(buffer: Uint8Array, from: number, end: number): number
  /** Undefined: a good frame that is not real-time data. */
  read(buffer: Uint8Array, from: number): Vitals | undefined
  write(vitals: Vitals): Uint8Array
  frameBytes: number
  link: ReturnType<DecoderPlugin['link']>
  commands?: Decoder['commands']
}

/** A value that the device marks as not valid, without a flag that says why. */
export function absenceOf(pulseRate: number, spo2: number): AbsenceReason | undefined {
  return pulseRate === 0 || pulseRate === 0xff || spo2 === 0 || spo2 === 0x7f ? 'probe-off' : undefined
}
