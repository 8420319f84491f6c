/** A rule file acts from a control record on, so that a replay changes rules where the live run did. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '@millrace/platform'
import { appendControl } from './bridge/index.ts'
import type { ProcessorConfig } from './config.ts'
import type { Log } from './log/index.ts'

/** Puts the configured rules before the stages when they are not those that were put there last. */
export async function announceRules({ rules, dataDir }: ProcessorConfig, log: Log, clock: Clock): Promise<void> {
  const path = join(dataDir, 'rules.sha256')
  const hash = createHash('sha256').update(JSON.stringify(rules)).digest('hex')
  const last = existsSync(path) ? readFileSync(path, 'utf8') : undefined
  if (last === hash) return
  await appendControl(log, clock, { by: 'configuration', type: 'rules', rules })
  writeFileSync(path, hash)
}
