/**
 * The worker that answers questions, with connections of its own: what is long to read and to parse holds up nobody else. It is
 * told what the store is told, and asks the engine alone: what several processors wrote, another process may ask.
 */
import { workerData } from 'node:worker_threads'
import { systemClock } from '@millrace/platform'
import { serveCalls } from '@millrace/platform/worker-side'
import type { StoreReader } from '../store.ts'
import type { InfluxStoreConfig } from './config.ts'
import { dialects } from './dialects/index.ts'
import { createEngine } from './engine.ts'
import { createReader } from './reader.ts'

export interface Question {
  method: keyof StoreReader
  args: unknown[]
}

const config = workerData as InfluxStoreConfig

serveCalls<Question>(
  () => {
    const engine = createEngine(config)
    const dialect = dialects[config.dialect](engine)
    const reader = createReader(dialect, { pointsMax: config.pointsMax, clock: systemClock })
    return {
      async answer({ method, args }) {
        if (config.flushBeforeReading) await dialect.settle()
        return (reader[method] as (...given: unknown[]) => Promise<unknown>)(...args)
      },
      close: () => engine.close(),
    }
  },
  (cause) => ({
    code: 'STORE_READ',
    values: { path: config.url, detail: cause instanceof Error ? cause.message : `${cause}` },
  }),
)
