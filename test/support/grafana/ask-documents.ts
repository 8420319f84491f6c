/** Questions to OpenSearch or Elasticsearch, as Grafana's data source asks them: what it shows, a panel's columns are. */
import { askEngine } from '../../conformance/documents-place.ts'
import type { Annotation, Panel, Target } from './dashboard-files.ts'
import { type Choices, fillIn, inLucene } from './variables.ts'

export interface Documents {
  address: string
  /** Of the data source. */
  index: string
  fromMs: number
  toMs: number
  /** Columns that may be empty in all documents, because nothing in the test's data has them. */
  mayBeEmpty: Set<string>
}

interface Bucket {
  key: unknown
  doc_count: number
}

/** @throws Error when the engine says no, a field is not mapped or cannot be counted by, or nothing fits. */
export async function askDocuments(at: Documents, panel: Panel, target: Target, choices: Choices): Promise<number> {
  const query = fillIn(target.query!, choices, inLucene, {})
  const demand = await demands(at)
  for (const [, field] of query.matchAll(/([\w.@-]+):/g)) demand(field!, 'searchable')
  for (const { field } of target.bucketAggs ?? []) demand(field, 'aggregatable')
  const raw = target.metrics!.find(({ type }) => type === 'raw_data')
  const answer = await search(at, query, {
    size: Number(raw?.settings?.size ?? 0),
    ...(raw ? { sort: [{ '@timestamp': { order: 'desc', unmapped_type: 'boolean' } }, { _doc: 'desc' }] } : {}),
    ...aggregations(target.bucketAggs ?? []),
  })
  if (answer.hits.total.value === 0) throw new Error(`no document fits ${query}`)
  for (const name of columnsOf(panel)) if (raw) demandColumn(at, demand, name, answer.hits.hits)
  if (!raw) demandBuckets(answer.aggregations, target.bucketAggs!.length)
  return answer.hits.total.value
}

/** The values that a variable of documents can have. */
export async function askTerms(at: Documents, field: string): Promise<string[]> {
  const demand = await demands(at)
  demand(field, 'aggregatable')
  const answer = await search(at, '*', { size: 0, aggs: { 1: { terms: { field, size: 1000 } } } })
  return answer.aggregations['1'].buckets.map(({ key }: Bucket) => `${key}`)
}

/** @throws Error when none lies in the time, or none has what is to be shown. */
export async function askMarks(at: Documents, marks: Annotation, choices: Choices): Promise<number> {
  const { timeField, timeEndField, textField } = marks
  const query = fillIn(marks.query, choices, inLucene, {})
  const demand = await demands(at)
  for (const field of [timeField, textField, ...(timeEndField ? [timeEndField] : [])]) demand(field)
  for (const [, field] of query.matchAll(/([\w.@-]+):/g)) demand(field!, 'searchable')
  const answer = await search(at, query, { size: 10_000 })
  if (answer.hits.total.value === 0) throw new Error(`no document fits ${query}`)
  for (const field of [textField, ...(timeEndField ? [timeEndField] : [])]) demandColumn(at, demand, field, answer.hits.hits)
  return answer.hits.total.value
}

function search({ address, index, fromMs, toMs }: Documents, query: string, more: object) {
  const time = { range: { '@timestamp': { gte: fromMs, lte: toMs, format: 'epoch_millis' } } }
  const text = { query_string: { analyze_wildcard: true, query: query || '*' } }
  return askEngine(address, 'POST', `/${index}/_search`, {
    track_total_hits: true,
    query: { bool: { filter: [time, text] } },
    ...more,
  })
}

type Demand = (field: string, ability?: 'searchable' | 'aggregatable') => void

async function demands({ address, index }: Documents): Promise<Demand> {
  const { fields } = await askEngine(address, 'GET', `/${index}/_field_caps?fields=*`)
  return (field, ability) => {
    const known = fields[field] && Object.values<Record<string, boolean>>(fields[field])[0]
    if (!known) throw new Error(`${field} is not mapped in ${index}`)
    if (ability && !known[ability]) throw new Error(`${field} is not ${ability}`)
  }
}

const columnsOf = ({ transformations }: Panel) =>
  transformations?.find(({ id }) => id === 'filterFieldsByName')?.options.include?.names ?? []

function demandColumn({ mayBeEmpty }: Documents, demand: Demand, name: string, hits: { _source: object }[]): void {
  demand(name)
  if (!mayBeEmpty.has(name) && !hits.some(({ _source }) => name in _source))
    throw new Error(`column ${name} is empty in every document`)
}

function aggregations([first, ...rest]: NonNullable<Target['bucketAggs']>): object {
  if (!first) return {}
  const { id, type, field, settings } = first
  const bucket =
    type === 'date_histogram'
      ? { date_histogram: { field, fixed_interval: '30s', min_doc_count: Number(settings.min_doc_count) } }
      : { terms: { field, size: Number(settings.size), order: { [settings.orderBy!]: settings.order } } }
  return { aggs: { [id]: { ...bucket, ...aggregations(rest) } } }
}

// biome-ignore lint/suspicious/noExplicitAny: an answer is as deep as its question.
function demandBuckets(answer: any, levels: number): void {
  if (levels === 0) return
  const [found] = Object.values<{ buckets?: Bucket[] }>(answer ?? {}).filter(({ buckets }) => buckets)
  const full = (found?.buckets ?? []).filter(({ doc_count }) => doc_count > 0)
  if (full.length === 0) throw new Error('an aggregation has no bucket')
  demandBuckets(full[0], levels - 1)
}
