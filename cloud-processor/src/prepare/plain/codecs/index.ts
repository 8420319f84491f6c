/** The codecs. Adding one is one line here; see codec.ts. */
import type { PayloadCodec } from './codec.ts'
import { influxLine } from './influx-line/influx-line.ts'
import { json } from './json/json.ts'
import { senmlCbor } from './senml-cbor/senml-cbor.ts'
import { senmlJson } from './senml-json/senml-json.ts'
import { value } from './value/value.ts'

/** The first is the default. A codec's `decode` wants a configuration that `../config.ts` has checked. */
export const codecs: PayloadCodec[] = [json, senmlJson, senmlCbor, influxLine, value]

const byName = new Map(codecs.map((codec) => [codec.name, codec]))

/** The default, or the one whose payloads are one value. */
export function codecFor(isOneValue = false): PayloadCodec {
  return isOneValue ? codecs.find((codec) => codec.isOneValue)! : codecs[0]!
}

/** The schema of the configuration lets pass no name that is not in the list. */
export function codecOf({ codec }: { codec: string }): PayloadCodec {
  return byName.get(codec)!
}
