/** The log and the store that the configuration names. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock, Log as Lines, Metrics } from '@millrace/contract/service'
import type { ProcessorConfig } from './config.ts'
import { type Log, openEmbeddedLog } from './log/index.ts'
import { openEmbeddedStore, type Store } from './stores/index.ts'

interface EngineAround {
  clock: Clock
  lines: Lines
  metrics: Metrics
}

export function openLog(config: ProcessorConfig, { lines, metrics }: EngineAround): Promise<Log> {
  return openEmbeddedLog({ ...config.log, path: join(config.dataDir, 'log.sqlite') }, { log: lines, metrics })
}

export function openStore(config: ProcessorConfig, { lines, metrics, clock }: EngineAround): Promise<Store> {
  const path = join(config.dataDir, 'store.sqlite')
  return openEmbeddedStore({ ...config.store, path }, { log: lines, metrics, clock })
}

/** Size of the log on this machine's disk; 0 when it is elsewhere. */
export function logBytes(config: ProcessorConfig): number {
  return statSync(join(config.dataDir, 'log.sqlite'), { throwIfNoEntry: false })?.size ?? 0
}
