/** What a gateway tells of its configuration. */
import type { GatewayReport, OrderAnswer } from '@millrace/contract'
import type { AgentConfig } from '../config.ts'
import { hashOf, remotePart } from './document.ts'
import { isDrift } from './in-force.ts'
import type { Configuration, Kept } from './kept.ts'
import { takesOf } from './takes.ts'

interface Reported {
  kept: Kept
  running: Configuration | undefined
  config: AgentConfig
  /** Text of the file of the gateway. */
  local: string
  answer?: OrderAnswer
  hasTexts?: boolean
}

export function reportOf({ kept, running, config, local, answer, hasTexts = false }: Reported): GatewayReport {
  const localHash = hashOf(local)
  return {
    f: 1,
    local: localHash,
    running: running ? { version: running.version, hash: running.hash } : { version: 0, hash: localHash },
    drift: isDrift(kept, local),
    ...takesOf(config),
    ...(kept.newest ? { newest: kept.newest } : {}),
    ...(answer ? { answer } : {}),
    ...(hasTexts ? texts(running, local) : {}),
  }
}

function texts(running: Configuration | undefined, local: string) {
  const localText = partOf(local)
  return running ? { text: running.text, localText } : { text: localText }
}

/** Somebody may be editing it. */
function partOf(local: string): string {
  try {
    return remotePart(local)
  } catch (error) {
    return `# ${(error as Error).message}\n`
  }
}
