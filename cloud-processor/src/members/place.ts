/** The data folder as this process's place: the lock on it says that the process which had it before has ended. */
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { bootId, type Log } from '@millrace/platform'
import { isBusy, takeLock } from '@millrace/platform/sqlite'
import type { Place } from './heartbeat.ts'

export interface TakenPlace {
  place: Place
  release(): void
}

/**
 * Undefined where another process has the folder, and on systems that do not name their starts. A copy of the folder on another
 * machine, and the same machine after a restart, are other places.
 */
export function takePlace(dataDir: string, log: Pick<Log, 'warn'>): TakenPlace | undefined {
  const boot = bootId()
  if (boot === undefined) return undefined
  try {
    const lock = takeLock(join(dataDir, 'processor'))
    const sinceMs = Number(process.hrtime.bigint()) / 1e6
    const { dev, ino } = statSync(dataDir)
    const id = createHash('sha256').update(`${boot} ${dev} ${ino}`).digest('hex').slice(0, 16)
    return { place: { id, sinceMs }, release: () => lock.close() }
  } catch (error) {
    if (!isBusy(error)) throw error
    log.warn('another processor uses this data folder: give each its own `dataDir`', { path: dataDir })
    return undefined
  }
}
