/**
 * Saved objects, one JSON object a line, as `POST /api/saved_objects/_import` of both programs takes them.
 *
 *     index-pattern   a data view: the indices of a kind
 *     search          a table of documents: { index (by reference), query in Lucene's language, columns, sort }
 *     visualization   aggregation-based: visState holds { type, params, aggs }, the search source index and query
 *     dashboard       panelsJSON: where each panel is; the objects that they show by reference
 *
 * The formats are those of 7.10, from which OpenSearch Dashboards came and from which Kibana brings them up to its own:
 * `migrationVersion` says so. They differ in the data view: Kibana asks the indices for their fields, OpenSearch Dashboards keeps
 * a list in the object.
 */
import { type Field, type FieldType, type Kind, kindNames, kinds } from '@millrace/cloud-processor/sinks/opensearch-schema'
import { type Bucket, type Chart, charts, dashboard, type Query, type SavedSearch, searches } from './contents.ts'

export type Flavour = 'kibana' | 'opensearch-dashboards'

interface Reference {
  name: string
  type: string
  id: string
}

export interface SavedObject {
  id: string
  type: 'index-pattern' | 'search' | 'visualization' | 'dashboard'
  attributes: Record<string, unknown>
  references: Reference[]
  migrationVersion: Record<string, string>
}

const formats = { 'index-pattern': '7.6.0', search: '7.9.3', visualization: '7.10.0', dashboard: '7.9.3' }

/** @param prefix `documents.indexPrefix` of the processor's configuration. */
export function savedObjects(flavour: Flavour, prefix: string): SavedObject[] {
  return [
    ...kindNames.map((kind) => dataView(kind, flavour, prefix)),
    ...searches.map(searchObject),
    ...charts.map(chartObject),
    dashboardObject(),
  ]
}

export function toNdjson(objects: SavedObject[]): string {
  return objects.map((object) => `${JSON.stringify(object)}\n`).join('')
}

function saved(
  type: SavedObject['type'],
  id: string,
  attributes: SavedObject['attributes'],
  references: Reference[],
): SavedObject {
  return { id, type, attributes, references, migrationVersion: { [type]: formats[type] } }
}

const viewId = (kind: Kind) => `millrace-${kind}`

function dataView(kind: Kind, flavour: Flavour, prefix: string): SavedObject {
  const title = `${prefix}${kind}-*`
  const fields =
    flavour === 'kibana'
      ? {}
      : { fields: JSON.stringify([...Object.entries<Field>(kinds[kind].fields).map(listed), ...metaFields]) }
  return saved('index-pattern', viewId(kind), { title, timeFieldName: '@timestamp', ...fields }, [])
}

const kinds7: Record<FieldType, { type: string; esTypes: string[] }> = {
  keyword: { type: 'string', esTypes: ['keyword'] },
  text: { type: 'string', esTypes: ['text'] },
  date: { type: 'date', esTypes: ['date'] },
  long: { type: 'number', esTypes: ['long'] },
  double: { type: 'number', esTypes: ['double'] },
  boolean: { type: 'boolean', esTypes: ['boolean'] },
  bytes: { type: 'unknown', esTypes: ['binary'] },
}

function listed([name, { type }]: [string, Field]) {
  const isFound = type !== 'bytes'
  const isCounted = isFound && type !== 'text'
  return {
    count: 0,
    name,
    ...kinds7[type],
    scripted: false,
    searchable: isFound,
    aggregatable: isCounted,
    readFromDocValues: isCounted,
  }
}

/** What every document has beside its own fields. */
const metaFields = [
  { name: '_id', type: 'string', esTypes: ['_id'], searchable: true, aggregatable: true },
  { name: '_index', type: 'string', esTypes: ['_index'], searchable: true, aggregatable: true },
  { name: '_score', type: 'number', searchable: false, aggregatable: false },
  { name: '_source', type: '_source', esTypes: ['_source'], searchable: false, aggregatable: false },
].map((field) => ({ count: 0, ...field, scripted: false, readFromDocValues: false }))

/** In Lucene's language, which both read alike and which `query_string` runs as it is. */
function lucene(query: Query<Kind>): string {
  return Object.entries(query)
    .map(([field, values]) => {
      const name = field.replace('@', '\\@')
      return values!.length === 1 ? `${name}:${values![0]}` : `${name}:(${values!.join(' OR ')})`
    })
    .join(' AND ')
}

const sourceIndex = 'kibanaSavedObjectMeta.searchSourceJSON.index'

/** The index goes by reference: an import may give the data view another id. */
function sourceOf(kind: Kind, query: Query<Kind>) {
  const source = { query: { query: lucene(query), language: 'lucene' }, filter: [], indexRefName: sourceIndex }
  return {
    meta: { kibanaSavedObjectMeta: { searchSourceJSON: JSON.stringify(source) } },
    references: [{ name: sourceIndex, type: 'index-pattern', id: viewId(kind) }],
  }
}

function searchObject({ id, kind, title, about, query, columns }: SavedSearch): SavedObject {
  const { meta, references } = sourceOf(kind, query)
  const sort = [['@timestamp', 'desc']]
  return saved('search', id, { title, description: about, hits: 0, version: 1, columns, sort, ...meta }, references)
}

function chartObject(chart: Chart): SavedObject {
  const { meta, references } = sourceOf(chart.kind, chart.query)
  const { type, params } = drawing(chart)
  const visState = JSON.stringify({ title: chart.title, type, params, aggs: aggregations(chart) })
  const attributes = { title: chart.title, description: chart.about, version: 1, visState, uiStateJSON: '{}', ...meta }
  return saved('visualization', chart.id, attributes, references)
}

function aggregations({ shape, buckets, sums }: Chart) {
  const metrics = [
    { type: 'count', params: {} },
    ...sums.map(({ field, label }) => ({ type: 'sum', params: { field, customLabel: label } })),
  ].map((metric) => ({ ...metric, schema: 'metric' }))
  const schemaOf = (k: number) => (shape === 'table' ? 'bucket' : shape === 'bars' && k > 0 ? 'group' : 'segment')
  const split = buckets.map((bucket, k) => ({ ...bucketOf(bucket), schema: schemaOf(k) }))
  return [...metrics, ...split].map((aggregation, k) => ({ id: `${k + 1}`, enabled: true, ...aggregation }))
}

function bucketOf({ by, field, label, size = 10 }: Bucket) {
  if (by === 'time') {
    const params = {
      field,
      useNormalizedEsInterval: true,
      interval: 'auto',
      drop_partials: false,
      min_doc_count: 1,
      extended_bounds: {},
    }
    return { type: 'date_histogram', params: { ...params, customLabel: label } }
  }
  const rest = { otherBucket: true, otherBucketLabel: 'Other', missingBucket: true, missingBucketLabel: 'none' }
  return { type: 'terms', params: { field, orderBy: '1', order: 'desc', size, ...rest, customLabel: label } }
}

function drawing({ shape }: Chart): { type: string; params: object } {
  const legend = { addTooltip: true, addLegend: true, legendPosition: 'right' }
  switch (shape) {
    case 'number':
      return { type: 'metric', params: { type: 'metric', addTooltip: true, addLegend: false, metric: numberStyle } }
    case 'pie':
      return {
        type: 'pie',
        params: { type: 'pie', ...legend, isDonut: true, labels: { show: true, values: true, last_level: false, truncate: 100 } },
      }
    case 'table':
      return {
        type: 'table',
        params: {
          perPage: 10,
          showPartialRows: false,
          showMetricsAtAllLevels: false,
          showTotal: false,
          totalFunc: 'sum',
          percentageCol: '',
        },
      }
    case 'bars':
      return { type: 'histogram', params: { type: 'histogram', ...legend, ...barAxes } }
  }
}

const numberStyle = {
  percentageMode: false,
  useRanges: false,
  colorSchema: 'Green to Red',
  metricColorMode: 'None',
  colorsRange: [{ from: 0, to: 10_000 }],
  labels: { show: true },
  invertColors: false,
  style: { bgFill: '#000', bgColor: false, labelColor: false, subText: '', fontSize: 60 },
}

const barAxes = {
  grid: { categoryLines: false },
  categoryAxes: [
    {
      ...{ id: 'CategoryAxis-1', type: 'category', position: 'bottom', show: true, style: {}, scale: { type: 'linear' } },
      ...{ labels: { show: true, filter: true, truncate: 100 }, title: {} },
    },
  ],
  valueAxes: [
    {
      ...{ id: 'ValueAxis-1', name: 'LeftAxis-1', type: 'value', position: 'left', show: true, style: {} },
      ...{ scale: { type: 'linear', mode: 'normal' }, labels: { show: true, rotate: 0, filter: false, truncate: 100 } },
      title: { text: 'Count' },
    },
  ],
  seriesParams: [
    {
      ...{ show: true, type: 'histogram', mode: 'stacked', data: { label: 'Count', id: '1' }, valueAxis: 'ValueAxis-1' },
      ...{ drawLinesBetweenPoints: true, lineWidth: 2, showCircles: true },
    },
  ],
  times: [],
  addTimeMarker: false,
  labels: { show: false },
  thresholdLine: { show: false, value: 10, width: 1, style: 'full', color: '#E7664C' },
}

function dashboardObject(): SavedObject {
  const { id, title, about, panels } = dashboard
  const types = new Map<string, SavedObject['type']>([
    ...searches.map((one) => [one.id, 'search'] as const),
    ...charts.map((one) => [one.id, 'visualization'] as const),
  ])
  const references = panels.map(({ shows }, k) => ({ name: `panel_${k}`, type: types.get(shows)!, id: shows }))
  const panelsJSON = panels.map(({ x, y, w, h }, k) => {
    const i = `${k + 1}`
    return { version: '7.10.0', gridData: { x, y, w, h, i }, panelIndex: i, embeddableConfig: {}, panelRefName: `panel_${k}` }
  })
  const attributes = {
    title,
    description: about,
    hits: 0,
    version: 1,
    panelsJSON: JSON.stringify(panelsJSON),
    optionsJSON: JSON.stringify({ useMargins: true, hidePanelTitles: false }),
    timeRestore: true,
    timeFrom: 'now-24h',
    timeTo: 'now',
    refreshInterval: { pause: false, value: 30_000 },
    kibanaSavedObjectMeta: {
      searchSourceJSON: JSON.stringify({ query: { query: '', language: 'lucene' }, filter: [] }),
    },
  }
  return saved('dashboard', id, attributes, references)
}
