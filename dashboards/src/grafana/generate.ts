/**
 * Writes dashboards/grafana: `node dashboards/src/grafana/generate.ts`. For other addresses, OpenSearch or another prefix:
 *
 *     --dialect questdb --store <url> --org <name> --bucket <name> --processes <url> --documents <url> --engine opensearch --prefix ward- --out <folder>
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readArguments } from '@millrace/platform'
import { grafanaFiles } from './files.ts'
import { type DocumentEngine, type StoreDialect, sourceDefaults } from './sources.ts'

const { values } = readArguments(
  { call: 'npm run docs --' },
  {
    dialect: { type: 'string', default: sourceDefaults.store },
    store: { type: 'string' },
    org: { type: 'string', default: sourceDefaults.org },
    bucket: { type: 'string', default: sourceDefaults.bucket },
    processes: { type: 'string', default: sourceDefaults.processesUrl },
    documents: { type: 'string', default: sourceDefaults.documentsUrl },
    engine: { type: 'string', default: sourceDefaults.documents },
    prefix: { type: 'string', default: sourceDefaults.indexPrefix },
    out: { type: 'string', default: fileURLToPath(new URL('../../grafana', import.meta.url)) },
  },
)
if (values.engine !== 'elasticsearch' && values.engine !== 'opensearch')
  throw new Error(`--engine is elasticsearch or opensearch, and not ${values.engine}`)
const urls: Record<StoreDialect, string> = {
  victoriametrics: sourceDefaults.storeUrl,
  influxdb: 'http://127.0.0.1:8086',
  questdb: '127.0.0.1:8812',
}
if (!(values.dialect in urls)) throw new Error(`--dialect is ${Object.keys(urls).join(', ')}, and not ${values.dialect}`)
const store = values.dialect as StoreDialect
const files = grafanaFiles({
  ...{ store, storeUrl: values.store ?? urls[store], org: values.org, bucket: values.bucket },
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
