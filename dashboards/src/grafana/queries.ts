/** Questions as Grafana's data sources take them, made with the builders of its Foundation SDK. */
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog'
import {
  type Count,
  DateHistogramBuilder,
  DataqueryBuilder as DocumentQueryBuilder,
  type RawData,
  TermsBuilder,
  TermsOrder,
} from '@grafana/grafana-foundation-sdk/elasticsearch'
import { DataqueryBuilder as PromQueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import type { Kind } from '@millrace/cloud-processor/sinks/opensearch-schema'
import type { FieldOf } from './names.ts'
import { languageOf, type Question } from './question.ts'
import type { SourceRef, Sources } from './sources.ts'

/** A question without its letter, which its panel gives it. */
export type Query = (refId: string) => Builder<Dataquery>

type Form = 'lines' | 'table' | 'number'

/**
 * Series over the dashboard's time. `legend` names labels as `{{label}}`.
 * @param minStep of what is written less often than its data source says; $__rate_interval follows from it.
 */
export const series =
  (source: SourceRef, question: string | Question, legend: string, minStep?: string): Query =>
  (refId) => {
    if (typeof question !== 'string' && languageOf(source) !== 'promql') return ask(source, question, refId, 'lines')
    const query = inPromQl(source, question, refId).legendFormat(legend).range()
    return minStep ? query.interval(minStep) : query
  }

/** Each series' newest value, as rows of a table. */
export const newest =
  (source: SourceRef, question: string | Question): Query =>
  (refId) =>
    typeof question !== 'string' && languageOf(source) !== 'promql'
      ? ask(source, question, refId, 'table')
      : inPromQl(source, question, refId).format(PromQueryFormat.Table).instant()

/** One number. */
export const single =
  (source: SourceRef, question: string | Question, legend = ''): Query =>
  (refId) =>
    typeof question !== 'string' && languageOf(source) !== 'promql'
      ? ask(source, question, refId, 'number')
      : inPromQl(source, question, refId).legendFormat(legend).instant()

/** Stored samples with their own times, and not what a step makes of them: an instant query over a stretch of time. */
export const samples =
  (source: SourceRef, question: Question, legend: string): Query =>
  (refId) =>
    languageOf(source) === 'promql' ? single(source, question, legend)(refId) : ask(source, question, refId, 'lines')

function inPromQl(source: SourceRef, question: string | Question, refId: string): PromQueryBuilder {
  const expr = typeof question === 'string' ? question : question.promql
  return new PromQueryBuilder().refId(refId).datasource(source).expr(expr)
}

/** The SDK has no builder for these. The column of a table is called as Grafana calls it among several of PromQL. */
function ask(datasource: SourceRef, question: Question, refId: string, form: Form): Builder<Dataquery> {
  const value = form === 'table' ? `Value #${refId}` : 'Value'
  const made =
    languageOf(datasource) === 'sql'
      ? {
          ...{ rawQuery: true, editorMode: 'code', format: form === 'lines' ? 'time_series' : 'table' },
          rawSql: question.sql.replaceAll('"Value"', `"${value}"`),
        }
      : { query: form === 'lines' ? question.flux : `${question.flux} |> rename(columns: { _value: "${value}" })` }
  return { build: () => ({ refId, datasource, ...made }) as unknown as Dataquery }
}

/** The documents themselves, newest first. `query` is in Lucene's language. */
export const documents =
  <K extends Kind>(sources: Sources, kind: K, query: string, size = 500): Query =>
  (refId) =>
    about(sources, kind, query, refId)
      .metrics([metric({ type: 'raw_data', id: '1', settings: { size: `${size}` } })])
      .bucketAggs([])

/** How many documents there are, by fields and at last over time. */
export const counts =
  <K extends Kind>(sources: Sources, kind: K, query: string, by: FieldOf<K>[], isOverTime = true): Query =>
  (refId) =>
    about(sources, kind, query, refId)
      .metrics([metric({ type: 'count', id: '1' })])
      .bucketAggs([...by.map(terms), ...(isOverTime ? [overTime(`${by.length + 2}`)] : [])])

function about(sources: Sources, kind: Kind, query: string, refId: string): DocumentQueryBuilder {
  return new DocumentQueryBuilder().refId(refId).datasource(sources.documents[kind]).timeField('@timestamp').query(query)
}

/** The builders of version 0.0.21 of the SDK call every metric's type `unknown`. */
const metric = (made: Count | RawData): Builder<Count | RawData> => ({ build: () => made })

function terms(field: string, k: number): TermsBuilder {
  const settings = { size: '20', order: TermsOrder.Desc, orderBy: '_count', min_doc_count: '1' }
  return new TermsBuilder()
    .id(`${k + 2}`)
    .field(field)
    .settings(settings)
}

const overTime = (id: string) =>
  new DateHistogramBuilder().id(id).field('@timestamp').settings({ interval: 'auto', min_doc_count: '0' })

/** A condition in Lucene's language; Grafana escapes what a variable holds, and joins several values with OR. */
export const field = <K extends Kind>(_kind: K, name: FieldOf<K>, value: string): string => `${name}:${value}`
