/**
 * Asks every query of dashboards/kibana/*.ndjson, as Kibana would, over what the real stages and the real document store make of
 * a simulated life: `node test/conformance/kibana-queries.ts [--engine elasticsearch]`.
 *
 * It fails on an error, on a field that is not mapped (or not of a kind that can be searched, sorted or counted by), and on an
 * empty answer. Kibana itself is not here: that it takes and draws the objects was not tried.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openOpenSearch, openSearchSchema } from '@millrace/cloud-processor/sinks'
import { topics } from '@millrace/contract'
import { createMetrics, readArguments, silentLog, systemClock } from '@millrace/platform'
import { isMissing, obtain } from '../engines/index.ts'
import { liveThrough } from '../support/life/life.ts'
import { settled } from '../support/life/settled.ts'
import { type Output, outputsOf } from '../support/life/stages.ts'
import { askEngine, type SearchEngine } from './documents-place.ts'

const { values } = readArguments(
  { call: 'node test/conformance/kibana-queries.ts' },
  { engine: { type: 'string', default: 'opensearch' }, seed: { type: 'string', default: '4' } },
)
const lifeSeconds = 300
const dir = mkdtempSync(join(tmpdir(), 'millrace-kibana-'))
const engine = await obtain(values.engine as SearchEngine, { dir })
if (isMissing(engine)) {
  console.log(engine.missing)
  process.exit(77)
}
const life = liveThrough(Number(values.seed), lifeSeconds)
const ticks = life.records.flatMap(({ raw }) => (raw.k === 'tick' ? [raw.atMs] : []))
/** The clock of this life jumps, so it may end well after its seconds. */
const lived = { fromMs: ticks[0]! - 3_600_000, toMs: Math.max(...ticks) + 60_000 }
/** Columns that may be empty: nobody in this life says anything with an acknowledgement. */
const mayBeEmpty = new Set(['note'])
let faults = 0
try {
  await fill(engine.address)
  for (const flavour of ['kibana', 'opensearch-dashboards']) {
    const answered = await askAll(engine.address, flavour)
    console.log(`${flavour}: ${answered} searches and charts answered with data`)
  }
} finally {
  await engine.stop()
  rmSync(dir, { recursive: true, force: true })
}
process.exit(faults === 0 ? 0 : 1)

/** What a life of five minutes leaves on the three topics, through the store. */
async function fill(address: string): Promise<void> {
  const config = openSearchSchema.parse({ nodes: [address] })
  const store = await openOpenSearch(config, { log: silentLog, metrics: createMetrics(), clock: systemClock })
  const made = outputsOf(life, 1)
  const outputs = [...made, ...made.flatMap(settled)]
  for (const topic of store.topics) {
    const records = outputs.flatMap((output, k) => (output.topic === topic ? [logged(output, k)] : []))
    const refused = await store.write('life', topic, 0, records)
    if (refused.length > 0) fault(`${refused.length} records were refused: ${refused[0]!.rejected.detail}`)
  }
  await store.close()
  await askEngine(address, 'POST', '/millrace-*/_refresh')
  const { count } = await askEngine(address, 'GET', '/millrace-*/_count')
  console.log(`seed ${values.seed}: ${count} documents of ${outputs.length} records`)
}

function logged({ topic, key, value }: Output, k: number) {
  const source = { log: topic === topics.alarms ? 'timeline' : 'raw', partition: 0, offset: k, index: 0 }
  return { offset: k, key: key ?? '', value, timeMs: lived.toMs, source }
}

interface SavedObject {
  id: string
  type: string
  attributes: {
    title: string
    columns?: string[]
    sort?: [string, string][]
    visState?: string
    kibanaSavedObjectMeta?: { searchSourceJSON: string }
  }
  references: { type: string; id: string }[]
}

async function askAll(address: string, flavour: string): Promise<number> {
  const file = new URL(`../../dashboards/kibana/${flavour}.ndjson`, import.meta.url)
  const objects: SavedObject[] = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  const patterns = new Map(
    objects.filter(({ type }) => type === 'index-pattern').map(({ id, attributes }) => [id, attributes.title]),
  )
  let answered = 0
  for (const object of objects) {
    if (object.type !== 'search' && object.type !== 'visualization') continue
    const pattern = patterns.get(object.references.find(({ type }) => type === 'index-pattern')!.id)!
    try {
      await ask(address, pattern, object)
      answered++
    } catch (error) {
      fault(`${flavour}: ${object.id}: ${(error as Error).message}`)
    }
  }
  return answered
}

interface Aggregation {
  id: string
  type: string
  schema: string
  params: { field?: string; size?: number; orderBy?: string; order?: string }
}

/** @throws Error when it fails, names what is not mapped, or is answered with nothing. */
async function ask(address: string, pattern: string, { attributes }: SavedObject): Promise<void> {
  const { query } = JSON.parse(attributes.kibanaSavedObjectMeta!.searchSourceJSON).query as { query: string }
  const { aggs }: { aggs: Aggregation[] } = JSON.parse(attributes.visState ?? '{"aggs":[]}')
  const capable = await capabilities(address, pattern)
  const demand = (field: string, ability?: 'searchable' | 'aggregatable') => {
    const known = capable.get(field)
    if (!known) throw new Error(`${field} is not mapped in ${pattern}`)
    if (ability && !known[ability]) throw new Error(`${field} is not ${ability}`)
  }
  for (const column of attributes.columns ?? []) demand(column)
  for (const [field] of attributes.sort ?? []) demand(field, 'aggregatable')
  for (const { params } of aggs) if (params.field) demand(params.field, 'aggregatable')
  for (const [, field] of query.matchAll(/([\w.@-]+):/g)) demand(field!, 'searchable')

  const answer = await askEngine(address, 'POST', `/${pattern}/_search`, {
    size: attributes.columns ? 500 : 0,
    track_total_hits: true,
    query: { bool: { filter: [{ range: dashboardTime() }, { query_string: { query: query || '*', analyze_wildcard: true } }] } },
    ...(attributes.sort ? { sort: attributes.sort.map(([field, order]) => ({ [field]: order })) } : {}),
    ...aggregationsOf(aggs),
  })
  if (answer._shards.failed > 0) throw new Error(`${answer._shards.failed} shards failed`)
  if (answer.hits.total.value === 0) throw new Error('no document fits')
  for (const [level, buckets] of bucketsOf(answer.aggregations).entries())
    if (buckets === 0) throw new Error(`no bucket at level ${level + 1}`)
  // A column that is empty in every row tells nobody anything.
  for (const column of attributes.columns ?? []) {
    const isFilled = answer.hits.hits.some((hit: { _source: object }) => column in hit._source)
    if (!isFilled && !mayBeEmpty.has(column)) throw new Error(`column ${column} is empty in every document`)
  }
}

/** As the time picker of the dashboard asks. */
function dashboardTime() {
  const [gte, lte] = [lived.fromMs, lived.toMs].map((ms) => new Date(ms).toISOString())
  return { '@timestamp': { gte, lte, format: 'strict_date_optional_time' } }
}

async function capabilities(address: string, pattern: string) {
  const { fields } = await askEngine(address, 'GET', `/${pattern}/_field_caps?fields=*`)
  type Ability = { searchable: boolean; aggregatable: boolean }
  const types = Object.entries(fields as Record<string, Record<string, Ability>>)
  return new Map(types.map(([name, byType]) => [name, Object.values(byType)[0]!]))
}

/** Buckets within buckets, in the order of the object, and the metrics in each. */
function aggregationsOf(aggregations: Aggregation[]): object {
  const metrics = aggregations.filter(({ schema, type }) => schema === 'metric' && type !== 'count')
  const [outer, ...inner] = aggregations.filter(({ schema }) => schema !== 'metric')
  const aggs: Record<string, object> = {}
  for (const { id, type, params } of metrics) aggs[id] = { [type]: { field: params.field } }
  if (outer) aggs[outer.id] = { ...bucket(outer.type, outer.params), ...aggregationsOf([...metrics, ...inner]) }
  return Object.keys(aggs).length === 0 ? {} : { aggs }
}

function bucket(type: string, { field, size, order }: Aggregation['params']): object {
  if (type === 'date_histogram') return { date_histogram: { field, fixed_interval: '30s', time_zone: 'UTC', min_doc_count: 1 } }
  if (type === 'terms') return { terms: { field, size, order: { _count: order }, missing: '__missing__' } }
  throw new Error(`this test cannot ask the aggregation ${type}`)
}

/** How many buckets there are at each level, the empty and the missing ones apart. */
// biome-ignore lint/suspicious/noExplicitAny: an answer is as deep as its question.
function bucketsOf(aggregations: any): number[] {
  const [found] = Object.values<{ buckets?: { key: unknown; doc_count: number }[] }>(aggregations ?? {}).filter(
    ({ buckets }) => buckets,
  )
  if (!found) return []
  const named = found.buckets!.filter(({ key, doc_count }) => key !== '__missing__' && doc_count > 0)
  const below = found.buckets!.map((one) => bucketsOf(one))
  const deepest = Math.max(0, ...below.map(({ length }) => length))
  return [named.length, ...Array.from({ length: deepest }, (_, k) => below.reduce((sum, levels) => sum + (levels[k] ?? 0), 0))]
}

function fault(text: string): void {
  faults++
  console.log(`FAULT ${text}`)
}
