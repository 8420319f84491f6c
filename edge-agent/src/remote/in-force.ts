/** Which configuration counts: the newest that the cloud had confirmed, unless the file of the gateway was edited since. */

import { hashOf, loadAgentConfig, localText } from './document.ts'
import { type Configuration, type Kept, readKept } from './kept.ts'

export function isDrift({ inForce }: Kept, local: string): boolean {
  return inForce !== undefined && inForce.over !== hashOf(local)
}

/** Undefined: the file of the gateway counts. */
export function inForceOf(kept: Kept, local: string): Configuration | undefined {
  return isDrift(kept, local) ? undefined : kept.inForce
}

/** Of an agent that runs or will be started: what `check`, `doctor` and the like look at. @throws MillraceError CONFIG_INVALID */
export function effectiveText(file: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  const { dataDir } = loadAgentConfig(file, env)
  try {
    return inForceOf(readKept(dataDir), localText(file))?.text
  } catch {
    // Another user's, or damaged: the agent says so.
    return undefined
  }
}
