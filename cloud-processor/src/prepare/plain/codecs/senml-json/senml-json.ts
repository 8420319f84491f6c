/** SenML in JSON (RFC 8428 section 5): an array of objects. What its fields mean: ../senml.ts. */
import type { PayloadCodec } from '../codec.ts'
import { parseExactly } from '../exact.ts'
import { resolveSenml, type SenmlConfig, senml } from '../senml.ts'

export const senmlJson: PayloadCodec<SenmlConfig> = { name: 'senml-json', ...senml, decode }

function decode(payload: Uint8Array, config: SenmlConfig, receivedMs: number) {
  const pack = parseExactly(new TextDecoder('utf-8', { fatal: true }).decode(payload))
  if (!Array.isArray(pack)) throw new Error('a SenML pack is an array')
  return resolveSenml(pack.map(recordOf), config, receivedMs)
}

function recordOf(record: unknown): Map<string, unknown> | undefined {
  const isObject = record !== null && typeof record === 'object' && !Array.isArray(record)
  return isObject ? new Map(Object.entries(record)) : undefined
}
