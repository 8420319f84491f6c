/** VictoriaMetrics: takes the InfluxDB 2 write API, answers PromQL. Older than a day or a second old, all is there to query. */
import { join } from 'node:path'
import { type DebianProgram, findDebian, getDebian } from '../debian.ts'
import type { Engine, StartOptions } from '../engine.ts'
import { startProcess } from '../engine-process.ts'
import { answersHttp } from '../health.ts'
import { stablePort } from '../ports.ts'

export interface VictoriaMetricsOptions extends StartOptions {
  /** After the defaults; of a flag that is given twice the last one holds. */
  flags?: string[]
}

const debian: DebianProgram = {
  name: 'victoria-metrics',
  packages: ['victoria-metrics', 'libzstd1'],
  program: '/usr/bin/victoria-metrics',
  version: { args: ['-version'], pattern: /(?:v|victoria-metrics-)(\d[\w.+-]*)/ },
}

export const victoriaMetrics: Engine<VictoriaMetricsOptions> = {
  name: 'victoria-metrics',
  what: 'a time-series store with the InfluxDB 2 write API and PromQL',
  from: 'Debian victoria-metrics, 23 MB',
  variable: 'ENGINE_VICTORIA_METRICS',
  protocol: 'http',
  find: () => findDebian(debian),
  get: (say) => getDebian(debian, say),
  async start({ dir, port, flags = [] }) {
    const found = await findDebian(debian)
    if (!found) throw new Error('VictoriaMetrics is not there. Run: npm run engines -- victoria-metrics')
    const listen = `127.0.0.1:${port ?? (await stablePort())}`
    const address = `http://${listen}`
    return startProcess({
      name: 'VictoriaMetrics',
      address,
      dir,
      command: found.program,
      args: [
        `-httpListenAddr=${listen}`,
        `-storageDataPath=${join(dir, 'data')}`,
        // A query sees what was written up to now, equal stamps collapse, and test data may be of any year.
        '-search.latencyOffset=0s',
        '-dedup.minScrapeInterval=1ms',
        '-retentionPeriod=100y',
        '-memory.allowedBytes=256MB',
        ...flags,
      ],
      isHealthy: () => answersHttp(`${address}/health`),
    })
  },
}
