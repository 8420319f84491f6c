/** What a text in a payload means: a word that the configuration maps, or a number in quotes. */
import { z } from 'zod'
import { narrowed } from './exact.ts'

export const words = z
  .record(z.string(), z.union([z.boolean(), z.number(), z.string(), z.null()]))
  .optional()
  .describe('What words mean, such as `{ ON: true, OFF: false, unknown: null }`; null says that there is no value')
export const quotedNumbers = z.boolean().optional().describe('Whether a text that is a number is that number: `"29.7"` is 29.7')

export interface WordsConfig {
  words?: z.infer<typeof words>
  quotedNumbers?: boolean | undefined
}

export function meaningOf(value: unknown, { words, quotedNumbers }: WordsConfig): unknown {
  if (typeof value !== 'string' || (words === undefined && !quotedNumbers)) return value
  if (words !== undefined && Object.hasOwn(words, value)) return words[value]
  return quotedNumbers ? (numberIn(value) ?? value) : value
}

/** Undefined when the text is something else; digits behind a leading zero are a name. */
export function numberIn(text: string): number | bigint | undefined {
  if (/^[+-]?(?:0|[1-9]\d*)$/.test(text)) return narrowed(BigInt(text.replace('+', '')))
  return /^[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined
}
