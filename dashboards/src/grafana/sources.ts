/**
 * Grafana's data sources, as its provisioning file wants them. Each index of documents is one, because Grafana keeps the name of
 * the index in the data source.
 */
import { type Kind, kindNames } from '@millrace/cloud-processor/sinks/opensearch-schema'

/** Which engine holds the documents: Grafana's own Elasticsearch data source refuses OpenSearch, which has a plug-in. */
export type DocumentEngine = 'elasticsearch' | 'opensearch'

export interface SourceOptions {
  /** Of VictoriaMetrics, which the processor writes readings into. */
  storeUrl: string
  /** Of the Prometheus (or VictoriaMetrics) that scrapes the processes; see operations/prometheus. */
  processesUrl: string
  documentsUrl: string
  documents: DocumentEngine
  /** `documents.indexPrefix` of the processor's configuration. */
  indexPrefix: string
}

export const sourceDefaults: SourceOptions = {
  storeUrl: 'http://127.0.0.1:8428',
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

export function sourcesOf({ documents }: SourceOptions): Sources {
  const type = documentTypes[documents]
  return {
    store: { type: 'prometheus', uid: 'millrace-store' },
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
        // Channels may have several readings a second: nothing is gained by asking for less.
        jsonData: { httpMethod: 'POST', timeInterval: '1s' },
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

function documentSettings({ documents }: SourceOptions, index: string): Record<string, unknown> {
  const both = { timeField: '@timestamp', maxConcurrentShardRequests: 5 }
  return documents === 'elasticsearch'
    ? { ...both, index }
    : { ...both, database: index, flavor: 'opensearch', version: '2.19.1', pplEnabled: false }
}
