/** Channels of devices whose configuration names them: number, text or boolean. */
import type { Channel, Value } from '@millrace/contract'
import { z } from 'zod'
import { countedFaults, countedShape, counterOf } from './counted.ts'
import { formatDecimal, parseDecimal } from './decimal.ts'

export const measuredShape = {
  name: z.string().min(1).describe('Of the channel'),
  kind: z
    .enum(['number', 'counter', 'text', 'boolean'])
    .default('number')
    .describe('What the value is; a counter is a number that only counts up'),
  ...countedShape,
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

export function channelOf(measured: Measured): Channel {
  const { name, kind, unit, decimals, range, code } = measured
  const given = { unit, ...(range ? { range } : {}), ...(code === undefined ? {} : { code }), ...counterOf(measured) }
  if (kind === 'text') return { name, kind, datatype: 'String', ...given }
  if (kind === 'boolean') return { name, kind, datatype: 'Boolean', ...given }
  if (decimals === undefined) return { name, kind: 'number', datatype: 'Double', ...given }
  return { name, kind: 'number', datatype: 'Int64', ...(decimals > 0 ? { scale: 10 ** -decimals } : {}), ...given }
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
  return isNumber(kind) && decimals !== undefined ? formatDecimal(Number(value), decimals) : `${value}`
}

export const isNumber = (kind: Measured['kind']) => kind === 'number' || kind === 'counter'

/** What cannot be meant, with where it is. @param channels null is one that is not read */
export function measuredFaults(channels: (Measured | null)[], path: string): { path: (string | number)[]; message: string }[] {
  const names = channels.map((channel) => channel?.name)
  const counted = channels.flatMap((channel, k) =>
    channel === null ? [] : countedFaults(channel).map(({ key, message }) => ({ path: [path, k, key], message })),
  )
  return [...sameNames(names, path), ...counted]
}

/** Two channels of one name, with where the second is. */
export function sameNames(names: (string | undefined)[], path: string): { path: (string | number)[]; message: string }[] {
  return names.flatMap((name, k) =>
    name !== undefined && names.indexOf(name) < k
      ? [{ path: [path, k, 'name'], message: `two channels are called ${name}` }]
      : [],
  )
}
