/** Which alarm is to sound, and how often. */
import type { AlarmRecord } from '@millrace/contract'

const everyMs = { high: 5000, medium: 15_000, low: 60_000 }

/**
 * The most urgent that wants somebody, where it is new or has not sounded for its time.
 * @param alarms the most urgent first
 * @param known those that were there when it sounded last, `sinceMs` ago
 */
export function soundOf(alarms: AlarmRecord[], known: ReadonlySet<string>, sinceMs: number): AlarmRecord | undefined {
  const first = alarms.find(wantsSomebody)
  if (!first) return undefined
  return !known.has(first.id) || sinceMs >= everyMs[first.priority] ? first : undefined
}

function wantsSomebody({ active, acknowledged, shelved, outOfService, silenced }: AlarmRecord): boolean {
  return active && !acknowledged && !shelved && !outOfService && !silenced
}
