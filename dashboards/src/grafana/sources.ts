/**
 * Grafana's data sources, as its provisioning file wants them. Each index of documents is one, because Grafana keeps the name of
 * the index in the data source.
 */
import { type Kind, kindNames } from '@millrace/cloud-processor/sinks/opensearch-schema'

/** Which engine holds the documents: Grafana's own Elasticsearch data source refuses OpenSearch, which has a plug-in. */
export type DocumentEngine = 'elasticsearch' | 'opensearch'

/** `store.dialect` of the processor: each is asked by a data source of its own, in its own language. */
export type StoreDialect = 'victoriametrics' | 'influxdb' | 'questdb'

export interface SourceOptions {
  store: StoreDialect
  /** Of what the processor writes readings into; of QuestDB the `host:port` of its PostgreSQL wire. */
  storeUrl: string
  /** Organisation and bucket, of InfluxDB. */
  org: string
  bucket: string
  /** Of the Prometheus (or VictoriaMetrics) that scrapes the processes; see operations/prometheus. */
  processesUrl: string
  documentsUrl: string
  documents: DocumentEngine
  /** `documents.indexPrefix` of the processor's configuration. */
  indexPrefix: string
}

export const sourceDefaults: SourceOptions = {
  store: 'victoriametrics',
  storeUrl: 'http://127.0.0.1:8428',
  org: 'millrace',
  bucket: 'millrace',
  processesUrl: 'http://127.0.0.1:9090',
  documentsUrl: 'http://127.0.0.1:9200',
  documents: 'elasticsearch',
  indexPrefix: 'millrace-',
}

export interface SourceRef {
  type: string
  uid: string
}

export interface Sources {
  store: SourceRef
  processes: SourceRef
  documents: Record<Kind, SourceRef>
}

const documentTypes: Record<DocumentEngine, string> = {
  elasticsearch: 'elasticsearch',
  opensearch: 'grafana-opensearch-datasource',
}

const storeTypes: Record<StoreDialect, string> = {
  victoriametrics: 'prometheus',
  influxdb: 'influxdb',
  questdb: 'grafana-postgresql-datasource',
}

export function sourcesOf({ documents, store }: Pick<SourceOptions, 'documents' | 'store'>): Sources {
  const type = documentTypes[documents]
  return {
    store: { type: storeTypes[store], uid: 'millrace-store' },
    processes: { type: 'prometheus', uid: 'millrace-processes' },
    documents: Object.fromEntries(
      kindNames.map((kind) => [kind, { type, uid: `millrace-documents-${kind}` }]),
    ) as Sources['documents'],
  }
}

/** The file of provisioning/datasources, before it is spelled in YAML. */
export function provisionedSources(options: SourceOptions) {
  const { store, processes, documents } = sourcesOf(options)
  return {
    apiVersion: 1,
    datasources: [
      {
        ...{ name: 'Millrace store', ...store, access: 'proxy', url: options.storeUrl, editable: false },
        ...storeSettings(options),
      },
      {
        ...{ name: 'Millrace processes', ...processes, access: 'proxy', url: options.processesUrl, editable: false },
        // As operations/prometheus/prometheus.yaml scrapes; $__rate_interval follows from it.
        jsonData: { httpMethod: 'POST', timeInterval: '15s' },
      },
      ...kindNames.map((kind) => ({
        ...{ name: `Millrace documents: ${kind}`, ...documents[kind] },
        ...{ access: 'proxy', url: options.documentsUrl, editable: false },
        jsonData: documentSettings(options, `${options.indexPrefix}${kind}-*`),
      })),
    ],
  }
}

/** Channels may have several readings a second: nothing is gained by asking for less. */
const timeInterval = '1s'

function storeSettings({ store, org, bucket }: SourceOptions): Record<string, unknown> {
  if (store === 'victoriametrics') return { jsonData: { httpMethod: 'POST', timeInterval } }
  if (store === 'influxdb')
    return { jsonData: { version: 'Flux', httpMode: 'POST', organization: org, defaultBucket: bucket, timeInterval } }
  return { user: 'admin', jsonData: { database: 'qdb', sslmode: 'disable', timeInterval } }
}

function documentSettings({ documents }: SourceOptions, index: string): Record<string, unknown> {
  const both = { timeField: '@timestamp', maxConcurrentShardRequests: 5 }
  return documents === 'elasticsearch'
    ? { ...both, index }
    : { ...both, database: index, flavor: 'opensearch', version: '2.19.1', pplEnabled: false }
}
