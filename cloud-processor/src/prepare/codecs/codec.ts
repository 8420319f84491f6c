/** Payload codecs of plain MQTT devices. A plug-in is a folder `x/` with `x.ts`, `x.test.ts`, `README.md`; it adds one line to `index.ts`. */
import type { Columns } from '@millrace/contract'
import type { PlainConfig } from '../config.ts'

export interface Decoded {
  columns: Columns
  /**
   * Where in the payload each reading stood, by `<channel>@<time>`: what it is called when it is rejected, whatever the
   * configuration makes of its value and time later.
   */
  places: Map<string, number[]>
  /** What could not be used. */
  problems: { channel: string; place: number; detail: string }[]
}

/** @throws Error, with a text for people, when nothing of the payload can be used. */
export type PayloadCodec = (payload: Uint8Array, config: PlainConfig, receivedMs: number) => Decoded
