/** A place for documents in a real OpenSearch or Elasticsearch: an engine for the whole suite, a prefix for each place. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openOpenSearch, openSearchSchema } from '@millrace/cloud-processor/sinks'
import type { SinkPlace } from '@millrace/cloud-processor/sinks/conformance'
import type { Blocked, DocumentsPlace, FoundDocument } from '@millrace/cloud-processor/sinks/documents-conformance'
import { type Source, topics } from '@millrace/contract'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { event, eventAt, logged } from '../../cloud-processor/src/sinks/opensearch/sample-documents.ts'
import { isMissing, obtain, type RunningEngine } from '../engines/index.ts'

export type SearchEngine = 'opensearch' | 'elasticsearch'

const writer = fileURLToPath(new URL('../../cloud-processor/src/sinks/opensearch/testing/writer-process.ts', import.meta.url))

/** Starts the engine with a bound of 2 MB for a request, as a proxy in front of it may have. */
export async function startSearchEngine(name: SearchEngine): Promise<{ engine: RunningEngine; stop(): Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), `millrace-${name}-`))
  const engine = await obtain(name, { dir, settings: { 'http.max_content_length': '2mb' } })
  if (isMissing(engine)) throw new Error(engine.missing)
  return {
    engine,
    async stop() {
      await engine.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

let places = 0

export async function makePlace(engine: RunningEngine): Promise<DocumentsPlace> {
  const indexPrefix = `t${process.pid}-${++places}-`
  const settings = { nodes: [engine.address], indexPrefix, timeoutMs: 10_000 }
  const metrics = createMetrics()
  const ask = (method: string, path: string, body?: object) => askEngine(engine.address, method, path, body)
  return {
    open: (options = {}) =>
      openOpenSearch(openSearchSchema.parse({ ...settings, ...options }), { log: silentLog, metrics, clock: systemClock }),
    counts: () => metrics.values(),
    search: (kind, query) => search(engine.address, `${indexPrefix}${kind}-*`, query),
    async indices() {
      return Object.keys(await ask('GET', `/${indexPrefix}*/_alias`)).sort()
    },
    makeForeignIndex: (name) => ask('PUT', `/${indexPrefix}${name}`),
    block: (index, why, isBlocked) => block(ask, index, why, isBlocked),
    down: () => engine.kill(),
    up: () => engine.restart(),
    freeze: (isFrozen) => (isFrozen ? engine.freeze() : engine.resume()),
    writer: [writer, JSON.stringify(settings)],
    async remove() {
      const indices = await ask('GET', `/${indexPrefix}*/_alias`)
      for (const index of Object.keys(indices)) await ask('DELETE', `/${index}`)
      await ask('DELETE', `/_index_template/${indexPrefix}*`)
    },
  }
}

/** The same, as the suite of all sinks wants it: events on the timeline. */
export async function makeSinkPlace(engine: RunningEngine): Promise<SinkPlace> {
  const place = await makePlace(engine)
  return {
    ...{ topic: topics.timeline, record: eventAt, down: place.down, up: place.up, writer: place.writer, remove: place.remove },
    open: () => place.open(),
    poison: (offset) => [
      { ...eventAt(offset), value: Buffer.from('{"f":1,"k":"event",') },
      // No cluster takes this time for a date.
      logged(offset + 1, event('poison', 1e30)),
    ],
    async found() {
      const documents = await place.search('events')
      const found = documents.map(({ id, fields }) => ({ id, offset: (fields.source as Source).offset }))
      return found.sort((a, b) => a.offset - b.offset)
    },
  }
}

type Ask = (method: string, path: string, body?: object) => Promise<unknown>

async function block(ask: Ask, index: string, why: Blocked, isBlocked: boolean): Promise<void> {
  if (why === 'closed') await ask('POST', `/${index}/${isBlocked ? '_close' : '_open'}?wait_for_active_shards=1`)
  else if (why === 'away') {
    const place = { 'index.routing.allocation.require._name': isBlocked ? 'nowhere' : null }
    if (isBlocked) await ask('PUT', `/${index}?wait_for_active_shards=0`, { settings: place })
    else await ask('PUT', `/${index}/_settings`, place)
  } else await ask('PUT', `/${index}/_settings`, { [`index.blocks.${why}`]: isBlocked || null })
}

async function search(address: string, pattern: string, query = '*'): Promise<FoundDocument[]> {
  await askEngine(address, 'POST', `/${pattern}/_refresh?allow_no_indices=true`)
  const body = { size: 10_000, query: { query_string: { query } } }
  const { hits } = (await askEngine(address, 'POST', `/${pattern}/_search`, body)) as {
    hits: { hits: { _id: string; _index: string; _source: FoundDocument['fields'] }[] }
  }
  return hits.hits.map(({ _id, _index, _source }) => ({ id: _id, index: _index, fields: _source }))
}

/** @throws Error with what the engine says is wrong. */
// biome-ignore lint/suspicious/noExplicitAny: what it holds depends on what was asked.
export async function askEngine(address: string, method: string, path: string, body?: object): Promise<any> {
  const response = await fetch(address + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  const answer = await response.json()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer).slice(0, 500)}`)
  return answer
}
