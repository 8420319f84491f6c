/** Payload codecs of plain MQTT devices. A plug-in is a folder `x/` with `x.ts`, `x.test.ts`, `README.md`; it adds one line to `index.ts`. */
import type { Columns } from '@millrace/contract'
import type { PlainConfig } from '../config.ts'

export interface Decoded {
  columns: Columns
  /** What could not be used, by channel. */
  problems: { channel: string; detail: string }[]
}

/** @throws Error, with a text for people, when nothing of the payload can be used. */
export type PayloadCodec = (payload: Uint8Array, config: PlainConfig, receivedMs: number) => Decoded
