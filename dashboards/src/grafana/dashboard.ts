/** What all dashboards have in common, and the kinds of variable and annotation that they have. */
import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import {
  type AnnotationQuery,
  AnnotationQueryBuilder,
  CustomVariableBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkPlacement,
  DashboardLinkType,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard'
import type { Kind } from '@millrace/cloud-processor/sinks/opensearch-schema'
import type { FieldOf } from './names.ts'
import { languageOf, type Question } from './question.ts'
import type { SourceRef, Sources } from './sources.ts'

const tag = 'millrace'

export interface Heading {
  uid: string
  title: string
  about: string
  from: string
}

export function dashboard({ uid, title, about, from }: Heading): DashboardBuilder {
  return new DashboardBuilder(title)
    .uid(uid)
    .description(about)
    .tags([tag])
    .timezone('browser')
    .time({ from, to: 'now' })
    .refresh('10s')
    .tooltip(DashboardCursorSync.Crosshair)
    .link(
      new DashboardLinkBuilder('Millrace')
        .type(DashboardLinkType.Dashboards)
        .tags([tag])
        .keepTime(true)
        .asDropdown(true)
        .placement(DashboardLinkPlacement.InControlsMenu),
    )
}

/** Builds a dashboard with its panels by the title of their row; without a title there is no row. */
export function withRows(builder: DashboardBuilder, rows: Record<string, Builder<Panel>[]>): Dashboard {
  for (const [title, panels] of Object.entries(rows)) {
    if (title !== '') builder.withRow(new RowBuilder(title))
    for (const panel of panels) builder.withPanel(panel)
  }
  return builder.build()
}

/** The values of a label in what a question answers at the end of the dashboard's time. */
export function labelVariable(source: SourceRef, name: string, label: string, question: string | Question): QueryVariableBuilder {
  const variable = new QueryVariableBuilder(name).datasource(source)
  const language = languageOf(source)
  const always = (made: QueryVariableBuilder) => made.refresh(VariableRefresh.OnTimeRangeChanged).sort(VariableSort.NaturalAsc)
  if (typeof question === 'string' || language === 'promql') {
    const expr = typeof question === 'string' ? question : question.promql
    const query = { query: `query_result(${expr})`, refId: name, qryType: 3 }
    return always(variable.query(query).definition(query.query).regex(`/${label}="([^"]+)"/`))
  }
  const query =
    language === 'sql'
      ? `SELECT DISTINCT ${label} FROM (${question.sql})`
      : `${question.flux} |> keep(columns: ["${label}"]) |> distinct(column: "${label}")`
  return always(variable.query(language === 'sql' ? query : { query, refId: name }).definition(query))
}

/** The values of a field of documents. */
export function documentVariable<K extends Kind>(sources: Sources, name: string, kind: K, field: FieldOf<K>) {
  const query = JSON.stringify({ find: 'terms', field, size: 1000 })
  return new QueryVariableBuilder(name)
    .datasource(sources.documents[kind])
    .query(query)
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.NaturalAsc)
}

export function choice(name: string, values: string[], chosen = values[0]!): CustomVariableBuilder {
  return new CustomVariableBuilder(name)
    .values(values.join(','))
    .options(values.map((value) => ({ text: value, value, selected: value === chosen })))
    .current({ text: chosen, value: chosen, selected: true })
}

/** Everything is chosen at first. */
export const all = { text: 'All', value: '$__all', selected: true }

export interface Marks<K extends Kind> {
  name: string
  color: string
  query: string
  text: FieldOf<K>
  /** Where they have an end too. */
  until?: FieldOf<K>
}

/** Documents drawn over the charts at their time. */
export function documentMarks<K extends Kind>(sources: Sources, kind: K, { name, color, query, text, until }: Marks<K>) {
  const marks = new AnnotationQueryBuilder().name(name).datasource(sources.documents[kind]).enable(true).iconColor(color)
  // Where to find time and text is the data source's own, which the SDK does not know.
  const fields = { timeField: '@timestamp', ...(until ? { timeEndField: until } : {}), textField: text, tagsField: '' }
  const target = { refId: 'Anno', query, timeField: '@timestamp', metrics: [{ type: 'logs', id: '1' }], bucketAggs: [] }
  return { build: () => ({ ...marks.build(), ...fields, query, target }) as unknown as AnnotationQuery }
}
