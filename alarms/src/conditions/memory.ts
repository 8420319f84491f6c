/**
 * What a condition keeps of earlier samples. It is part of the stored state of a lane (`../engine.ts`): plain data that JSON
 * carries unchanged, of a bounded size, changed in place. The engine keeps it, and begins an empty one where the past is not
 * that of what is measured now: after another subject, another scale, a clock that was set back, other `keys` of the rule.
 */
import { ownValue } from '@millrace/platform'

/** What the samples so far mean for the alarm. */
export type Outcome = 'sets' | 'clears' | 'keeps'

/** Of a condition on values. */
export interface MemoryOf<M extends object = object> {
  /** Of the layout. A memory of another version is not read. */
  version: number
  /** Keys of a rule that decide what is kept, so that another value of one begins an empty memory. */
  keys: string[]
  empty(): M
}

/** One rule's memory as it is stored. */
export interface StoredMemory {
  rule: string
  /** Condition, version and keys that it is of. */
  of: string
  outcome: Outcome
  kept: object
}

export function memoryName(rule: { condition: string }, { version, keys }: MemoryOf): string {
  return [
    rule.condition,
    version,
    ...keys.map((key) => JSON.stringify(ownValue(rule as Record<string, unknown>, key)) ?? ''),
  ].join(' ')
}
