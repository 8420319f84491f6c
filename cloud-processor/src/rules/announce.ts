/** A rule file acts from a control record on, so that a replay changes rules where the live run did. */
import { createHash } from 'node:crypto'
import type { RuleFile } from '@millrace/alarms'
import type { Control } from '@millrace/contract'

/** Remembers from run to run which rules were announced last. */
export interface AnnouncedRules {
  load(): string | undefined
  save(hash: string): void
}

/** Puts the configured rules before the stages when they are not those that were put there last. */
export async function announceRules(
  rules: RuleFile,
  announced: AnnouncedRules,
  append: (control: Control) => Promise<void>,
): Promise<void> {
  const hash = createHash('sha256').update(JSON.stringify(rules)).digest('hex')
  if (announced.load() === hash) return
  await append({ by: 'configuration', type: 'rules', rules })
  announced.save(hash)
}
