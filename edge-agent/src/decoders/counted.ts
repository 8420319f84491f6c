/** Channels that only count up, as a configuration declares them. */
import type { Channel } from '@millrace/contract'
import { z } from 'zod'

export const countedShape = {
  modulus: z
    .number()
    .positive()
    .optional()
    .describe('Of a counter that goes round: the value after its highest one, in its unit, such as 100000 after 99999.9'),
  resets: z.boolean().optional().describe('Of a counter: whether it may be reset to 0. Default: it may'),
}
type Counted = { kind: string; modulus?: number | undefined; resets?: boolean | undefined }

export const numberKind = z
  .enum(['number', 'counter'])
  .default('number')
  .describe('A counter only counts up: energy, steps, bytes. What is less than before was reset, or went round')

/** @param ownModulus where the configuration has none */
export function counterOf({ kind, modulus, resets }: Counted, ownModulus?: number): Pick<Channel, 'counter'> {
  if (kind !== 'counter') return {}
  const round = modulus ?? ownModulus
  return { counter: { ...(round === undefined ? {} : { modulus: round }), resets: resets ?? true } }
}

/** A key that is for counters only, with what to write. */
export function countedFaults({ kind, modulus, resets }: Counted): { key: string; message: string }[] {
  if (kind === 'counter') return []
  const given = Object.entries({ modulus, resets }).filter(([, value]) => value !== undefined)
  return given.map(([key]) => ({ key, message: 'is for a counter: set kind to counter' }))
}
