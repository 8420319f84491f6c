/** Channels of devices whose configuration names them: number, text or boolean. */
import type { Channel, Value } from '@millrace/contract'
import { z } from 'zod'
import { formatDecimal, parseDecimal } from './decimal.ts'

export const measuredShape = {
  name: z.string().min(1).describe('Of the channel'),
  kind: z.enum(['number', 'text', 'boolean']).default('number').describe('What the value is'),
  unit: z.string().default('1').describe('UCUM'),
  decimals: z
    .int()
    .min(0)
    .max(6)
    .optional()
    .describe(
      'Digits behind the point that a number has: it is kept as a whole number with that scale. Absent: as a binary fraction',
    ),
  range: z.tuple([z.number(), z.number()]).optional().describe('Lowest and highest value that the sensor can give'),
  code: z.string().optional().describe('LOINC or MDC code'),
}
const measured = z.strictObject(measuredShape)
export type Measured = z.infer<typeof measured>

export function channelOf({ name, kind, unit, decimals, range, code }: Measured): Channel {
  const given = { ...(range ? { range } : {}), ...(code === undefined ? {} : { code }) }
  if (kind === 'text') return { name, kind, datatype: 'String', unit, ...given }
  if (kind === 'boolean') return { name, kind, datatype: 'Boolean', unit, ...given }
  if (decimals === undefined) return { name, kind, datatype: 'Double', unit, ...given }
  return { name, kind, datatype: 'Int64', unit, ...(decimals > 0 ? { scale: 10 ** -decimals } : {}), ...given }
}

const words = new Map(['true', 'on', 'yes', '1'].map((word) => [word, true]))
for (const word of ['false', 'off', 'no', '0']) words.set(word, false)

/** Undefined: the text is not a value of this kind. */
export function parseValue(text: string, { kind, decimals }: Measured): Value | undefined {
  if (kind === 'text') return text
  if (kind === 'boolean') return words.get(text.toLowerCase())
  if (decimals !== undefined) return parseDecimal(text.replace(/^\+/, ''), decimals)
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) && Number.isFinite(Number(text)) ? Number(text) : undefined
}

export function formatValue(value: Value, { kind, decimals }: Measured): string {
  return kind === 'number' && decimals !== undefined ? formatDecimal(Number(value), decimals) : `${value}`
}

/** Two channels of one name, with where the second is. */
export function sameNames(names: (string | undefined)[], path: string): { path: (string | number)[]; message: string }[] {
  return names.flatMap((name, k) =>
    name !== undefined && names.indexOf(name) < k
      ? [{ path: [path, k, 'name'], message: `two channels are called ${name}` }]
      : [],
  )
}
