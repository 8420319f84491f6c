import type { PayloadCodec } from './codec.ts'
import { influxLine } from './influx-line/influx-line.ts'
import { json } from './json/json.ts'
import { senmlCbor } from './senml-cbor/senml-cbor.ts'
import { senmlJson } from './senml-json/senml-json.ts'

export const codecs = { json, 'senml-json': senmlJson, 'senml-cbor': senmlCbor, 'influx-line': influxLine } satisfies Record<
  string,
  PayloadCodec
>
export type CodecName = keyof typeof codecs
