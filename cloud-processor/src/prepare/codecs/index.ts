import type { PayloadCodec } from './codec.ts'
import { json } from './json/json.ts'

export const codecs: Record<string, PayloadCodec> = { json }
