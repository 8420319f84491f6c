/** Elasticsearch 7's core, for tests only (its licence): no data streams, no life cycle, no Kibana, which need x-pack. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findCached } from '../cache.ts'
import type { Engine } from '../engine.ts'
import { getJars } from '../maven.ts'
import { type SearchOptions, startSearchNode } from '../search-node.ts'

const version = '7.17.28'
const folder = `elasticsearch-${version}`

export const elasticsearch: Engine<SearchOptions> = {
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
  start: (options) =>
    startSearchNode(
      {
        ...{ name: 'Elasticsearch', folder, command: 'npm run engines -- elasticsearch' },
        launcher: ['ElasticsearchLauncher'],
        own: {
          'path.home': join(options.dir, 'node'),
          'path.data': join(options.dir, 'data'),
          'http.type': 'netty4',
          'transport.type': 'netty4',
        },
      },
      options,
    ),
}
