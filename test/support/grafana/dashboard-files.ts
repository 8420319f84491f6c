/** What dashboards/grafana holds, as far as the tests read it. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

export interface SourceRef {
  type: string
  uid: string
}

/** A question of a panel: of Prometheus `expr`, of documents the rest. */
export interface Target {
  refId: string
  datasource: SourceRef
  expr?: string
  instant?: boolean
  /** Least step. */
  interval?: string
  format?: string
  legendFormat?: string
  /** Of Flux and of documents. */
  query?: string
  rawSql?: string
  metrics?: { type: string; id: string; settings?: { size?: string } }[]
  bucketAggs?: { type: string; id: string; field: string; settings: Record<string, string> }[]
}

export interface Panel {
  id: number
  type: string
  title?: string
  repeat?: string
  gridPos: { x: number; y: number; w: number; h: number }
  targets?: Target[]
  transformations?: { id: string; options: { include?: { names: string[] } } }[]
  fieldConfig?: { overrides: { matcher: { id: string; options: string }; properties: { id: string; value: unknown }[] }[] }
}

export interface Variable {
  name: string
  type: 'query' | 'custom'
  datasource?: SourceRef
  query: string | { query: string }
  regex?: string
  multi: boolean
  includeAll: boolean
  allValue?: string
  current?: { value: string }
}

export interface Annotation {
  name: string
  datasource: SourceRef
  query: string
  textField: string
  timeField: string
  timeEndField?: string
}

export interface Dashboard {
  uid: string
  title: string
  schemaVersion: number
  panels: Panel[]
  templating: { list?: Variable[] }
  annotations: { list?: Annotation[] }
}

export interface ProvisionedSource extends SourceRef {
  name: string
  jsonData: { timeInterval?: string; index?: string; database?: string }
}

const folder = fileURLToPath(new URL('../../../dashboards/grafana/', import.meta.url))

export function readDashboards(): Dashboard[] {
  const files = readdirSync(`${folder}dashboards`).filter((name) => name.endsWith('.json'))
  return files.map((name) => JSON.parse(readFileSync(`${folder}dashboards/${name}`, 'utf8')))
}

export function readSources(): ProvisionedSource[] {
  return parse(readFileSync(`${folder}provisioning/datasources/millrace.yaml`, 'utf8')).datasources
}
