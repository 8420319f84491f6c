/**
 * `remote.json` in the data folder: what was changed from the cloud. It is replaced as a whole (written beside it, synced, renamed), so that
 * each step of a change is one moment:
 *
 *     {"f":1,
 *      "inForce": {version, hash, text, over}       the newest that was confirmed; absent: the file of the gateway counts
 *      "trial":   {version, hash, text, over, id}   being tried. An agent that finds one when it starts died of it, or during it: it goes back
 *      "newest":  {version, hash, state, detail?}   what became of the newest that came
 *      "done":    [{id, state, expiresMs}]}         commands that were begun: none is done twice
 */
import { existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { ConfigurationOutcome, OrderAnswer } from '@millrace/contract'
import type { Log } from '@millrace/platform'
import { writeDurably } from '@millrace/platform'

export interface Configuration {
  version: number
  hash: string
  text: string
  /** SHA-256 of the file of the gateway that it was made over. */
  over: string
}

export interface Kept {
  f: 1
  inForce?: Configuration
  trial?: Configuration & { id: string }
  newest?: ConfigurationOutcome
  done: { id: string; state: OrderAnswer['state']; expiresMs: number }[]
}

const fileName = 'remote.json'

/** One that cannot be read is set aside, and the file of the gateway counts. */
export function takeKept(dataDir: string, log: Log): Kept {
  try {
    return readKept(dataDir)
  } catch (error) {
    const path = join(dataDir, fileName)
    const aside = `${path}.unreadable`
    renameSync(path, aside)
    log.error('what was changed from the cloud cannot be read: the file of the gateway counts', { path, aside, error })
    return nothing()
  }
}

/** @throws Error where it cannot be read */
export function readKept(dataDir: string): Kept {
  const path = join(dataDir, fileName)
  if (!existsSync(path)) return nothing()
  const kept = JSON.parse(readFileSync(path, 'utf8')) as Kept
  if (kept.f !== 1 || !Array.isArray(kept.done)) throw new Error(`${path} has format ${kept.f}`)
  return kept
}

const nothing = (): Kept => ({ f: 1, done: [] })

/** Durable when it returns. */
export function writeKept(dataDir: string, kept: Kept): void {
  writeDurably(join(dataDir, fileName), JSON.stringify(kept))
}
