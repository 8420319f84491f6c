/** A place for a time-series store in a real engine of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type InfluxStoreOptions, openInfluxStore } from '@millrace/cloud-processor/stores'
import type { Differences, StorePlace } from '@millrace/cloud-processor/stores/conformance'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { isMissing, obtain, type RunningEngine } from '../engines/index.ts'

export type TimeSeriesEngine = 'victoria-metrics' | 'questdb' | 'influxdb'

/** What each engine cannot do, and why. */
export const differences: Record<TimeSeriesEngine, Differences> = {
  'victoria-metrics': {
    text: 'it holds numbers only; a text is refused with STORE_POINT_TEXT',
    digits:
      'it keeps about 12 significant digits of a number with a fraction, and 18 from the largest to the smallest of neighbours',
  },
  questdb: {},
  influxdb: {},
}

export interface RunningStoreEngine {
  engine: RunningEngine
  options: InfluxStoreOptions
  stop(): Promise<void>
}

export async function startStoreEngine(name: TimeSeriesEngine): Promise<RunningStoreEngine> {
  const dir = mkdtempSync(join(tmpdir(), `millrace-${name}-`))
  const engine = await obtain(name, { dir })
  if (isMissing(engine)) throw new Error(engine.missing)
  const setup = 'setup' in engine ? (engine as { setup?: { org: string; bucket: string; token: string } }).setup : undefined
  return {
    engine,
    options: { dialect: name === 'victoria-metrics' ? 'victoriametrics' : name, url: engine.address, retentionDays: 0, ...setup },
    async stop() {
      await engine.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** What is kept is kept at once. What was written is asked for after a refresh. */
export const exact: InfluxStoreOptions = { totalsEveryMs: 0, saveEveryMs: 0, durableAfterMs: 0 }

export async function makePlace(name: TimeSeriesEngine): Promise<StorePlace> {
  const { options, stop } = await startStoreEngine(name)
  return {
    open: (limits) =>
      openInfluxStore({ ...options, ...exact, ...limits }, { log: silentLog, metrics: createMetrics(), clock: systemClock }),
    settle: async () => {},
    remove: stop,
  }
}
