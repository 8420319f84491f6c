/**
 * A declaration is a device's alias table. Its id is a hash of what it says, so equal tables have equal ids on every machine:
 * the first 32 hex digits of SHA-256 over the JSON (no spaces, UTF-8)
 *
 *   [device, [[alias, name, kind, datatype, unit, scale, offset, code, intervalMs, [low, high], silentMsMax, [modulus, resets], historical], ...]]
 *
 * with the channels by rising alias; an absent scale is 1, an absent offset 0, and what else is absent is null,
 * but for silentMsMax, what a counter is and historical, which are left out at the end.
 */
import { createHash } from 'node:crypto'
import type { Channel } from '../records/fields.ts'

export interface AliasedChannel {
  /** Means this name, datatype, unit, code and scale permanently; unique in the edge node [tck-id-payloads-alias-uniqueness]. */
  alias: number
  channel: Channel
}

export interface Declaration {
  id: string
  device: string
  channels: AliasedChannel[]
}

export function declare(device: string, channels: AliasedChannel[]): Declaration {
  return { id: declarationId(device, channels), device, channels }
}

export function declarationId(device: string, channels: AliasedChannel[]): string {
  const rows = [...channels].sort((a, b) => a.alias - b.alias).map(rowOf)
  return createHash('sha256')
    .update(JSON.stringify([device, rows]))
    .digest('hex')
    .slice(0, 32)
}

function rowOf({ alias, channel }: AliasedChannel): unknown[] {
  const { name, kind, datatype, unit, scale = 1, offset = 0, code = null, intervalMs = null, range = null } = channel
  const { silentMsMax, counter, historical } = channel
  const row = [alias, name, kind, datatype, unit, scale, offset, code, intervalMs, range]
  const count = counter && [counter.modulus ?? null, counter.resets]
  if (historical) return [...row, silentMsMax ?? null, count ?? null, true]
  if (count) return [...row, silentMsMax ?? null, count]
  return silentMsMax === undefined ? row : [...row, silentMsMax]
}
