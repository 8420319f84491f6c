/**
 * Writes dashboards/grafana: `node dashboards/src/grafana/generate.ts`. For other addresses, OpenSearch or another prefix:
 *
 *     --store <url> --processes <url> --documents <url> --engine opensearch --prefix ward- --out <folder>
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readArguments } from '@millrace/platform'
import { grafanaFiles } from './files.ts'
import { type DocumentEngine, sourceDefaults } from './sources.ts'

const { values } = readArguments(
  { call: 'npm run docs --' },
  {
    store: { type: 'string', default: sourceDefaults.storeUrl },
    processes: { type: 'string', default: sourceDefaults.processesUrl },
    documents: { type: 'string', default: sourceDefaults.documentsUrl },
    engine: { type: 'string', default: sourceDefaults.documents },
    prefix: { type: 'string', default: sourceDefaults.indexPrefix },
    out: { type: 'string', default: fileURLToPath(new URL('../../grafana', import.meta.url)) },
  },
)
if (values.engine !== 'elasticsearch' && values.engine !== 'opensearch')
  throw new Error(`--engine is elasticsearch or opensearch, and not ${values.engine}`)
const files = grafanaFiles({
  storeUrl: values.store,
  processesUrl: values.processes,
  documentsUrl: values.documents,
  documents: values.engine satisfies DocumentEngine,
  indexPrefix: values.prefix,
})
for (const [path, content] of files) {
  const file = join(values.out, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
  console.log(file)
}
