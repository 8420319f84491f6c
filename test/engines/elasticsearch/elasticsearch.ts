/** Elasticsearch 7's core, for tests only (its licence): no data streams, no life cycle, no Kibana, which need x-pack. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findCached } from '../cache.ts'
import type { Engine, StartOptions } from '../engine.ts'
import { startProcess } from '../engine-process.ts'
import { answersHttp } from '../health.ts'
import { frugal, getJars, java } from '../maven.ts'
import { stablePort } from '../ports.ts'

export interface ElasticsearchOptions extends StartOptions {
  /** Over the defaults, by their names in elasticsearch.yml. */
  settings?: Record<string, string | number | boolean>
}

const version = '7.17.28'
const folder = `elasticsearch-${version}`

export const elasticsearch: Engine<ElasticsearchOptions> = {
  name: 'elasticsearch',
  what: 'the core of Elasticsearch 7, which OpenSearch came from',
  from: `Maven org.elasticsearch:elasticsearch:${version}, 35 MB`,
  isOptional: true,
  variable: 'ENGINE_ELASTICSEARCH',
  protocol: 'http',
  find: () => findCached(folder),
  get: () =>
    getJars({
      folder,
      artifacts: [
        `org.elasticsearch:elasticsearch:${version}`,
        `org.elasticsearch.plugin:transport-netty4-client:${version}`,
        `org.elasticsearch.plugin:reindex-client:${version}`,
        'org.apache.logging.log4j:log4j-core:2.17.1',
      ],
      launcher: fileURLToPath(new URL('ElasticsearchLauncher.java', import.meta.url)),
    }),
  async start({ dir, port, settings }) {
    const found = await findCached(folder)
    if (!found) throw new Error('Elasticsearch is not there. Run: npm run engines -- elasticsearch')
    const listen = port ?? (await stablePort())
    const address = `http://127.0.0.1:${listen}`
    const all = {
      'path.home': join(dir, 'node'),
      'path.data': join(dir, 'data'),
      'network.host': '127.0.0.1',
      'http.port': listen,
      'http.type': 'netty4',
      'transport.type': 'netty4',
      'transport.port': await stablePort(),
      'discovery.type': 'single-node',
      'cluster.routing.allocation.disk.threshold_enabled': false,
      ...settings,
    }
    const classpath = [join(found.where, 'lib', '*'), join(found.where, 'classes')].join(':')
    const given = Object.entries(all).map((entry) => entry.join('='))
    return startProcess({
      name: 'Elasticsearch',
      address,
      dir,
      command: java(),
      args: [...frugal, '-Xmx512m', '-cp', classpath, 'ElasticsearchLauncher', ...given],
      isHealthy: () => answersHttp(`${address}/_cluster/health?wait_for_status=yellow&timeout=1s`),
      healthyWithinMs: 180_000,
    })
  },
}
