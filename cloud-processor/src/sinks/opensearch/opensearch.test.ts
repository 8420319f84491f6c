/** What needs no engine; the rest is test/conformance/documents-*.ts. */
import { createHash } from 'node:crypto'
import type { AlarmRecord, AlarmTopicRecord, RejectedRecord, TimelineRecord } from '@millrace/contract'
import { topics } from '@millrace/contract'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openSearchSchema } from './config.ts'
import { documentsOf, identity } from './document.ts'
import { openOpenSearch } from './opensearch.ts'
import { indexName, isExpired, parseIndex } from './period.ts'
import { logged, source, t0 } from './sample-documents.ts'
import { kindNames, kinds, schemaVersion } from './schema.ts'
import { mappingOf, templateOf } from './template.ts'

const dayMs = 86_400_000
const place = { log: 'log-a', topic: topics.timeline, partition: 0 }
const one = (record: TimelineRecord | RejectedRecord | AlarmTopicRecord, rawBytesMax = 32 * 1024) =>
  documentsOf(place, logged(5, record), { rawBytesMax })

describe('the configuration', () => {
  const faults = (config: object) => openSearchSchema.safeParse(config).error?.issues.map(({ path }) => path.join('.')) ?? []

  test('is whole without a key', () => {
    expect(openSearchSchema.parse({})).toMatchObject({
      kind: 'opensearch',
      nodes: ['http://127.0.0.1:9200'],
      indexPrefix: 'millrace-',
    })
  })

  test('refuses http to another machine, unless it is told that this is insecure', () => {
    expect(faults({ nodes: ['http://search.example:9200'] })).toEqual(['nodes'])
    expect(faults({ nodes: ['http://127.0.0.1:9200', 'http://127.0.0.1.example:9200'] })).toEqual(['nodes'])
    expect(faults({ nodes: ['http://search.example:9200'], insecure: true })).toEqual([])
    expect(
      faults({ nodes: ['https://search.example:9200', 'http://localhost:1', 'http://127.8.9.1:1', 'http://[::1]:1'] }),
    ).toEqual([])
  })

  test('takes no prefix that a cluster would not take, and no key that it does not know', () => {
    for (const indexPrefix of ['', '-a', 'Ward', 'a*', '_a', 'a/b']) expect(faults({ indexPrefix })).toEqual(['indexPrefix'])
    expect(faults({ retentionDays: { readings: 5 } })).toEqual(['retentionDays'])
  })
})

describe('the name of an index', () => {
  const times = fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2200, 0, 1) })
  const prefixes = fc.constantFrom('millrace-', 'a', 'ward-7.alarms-', 'x_')

  test('says what it is for and until when', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...kindNames),
        fc.constantFrom('month', 'day'),
        prefixes,
        times,
        (kind, period, prefix, atMs) => {
          const parsed = parseIndex(prefix, indexName({ prefix, kind, period, atMs, loggedMs: atMs }))!
          expect(parsed.kind).toBe(kind)
          expect(parsed.endMs).toBeGreaterThan(atMs)
          expect(parsed.endMs - atMs).toBeLessThanOrEqual((period === 'day' ? 1 : 31) * dayMs)
        },
      ),
    )
  })

  test('is the same whenever the record comes, for every time that a clock gives', () => {
    fc.assert(
      fc.property(times, fc.nat(1e11), fc.nat(1e11), (atMs, early, late) => {
        const name = (loggedMs: number) => indexName({ prefix: 'm-', kind: 'events', period: 'month', atMs, loggedMs })
        expect(name(atMs + early)).toBe(name(atMs + late))
      }),
    )
  })

  test('comes from the time in the log where its own is none', () => {
    for (const atMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e30, t0 + dayMs + 1, undefined as unknown as number])
      expect(indexName({ prefix: 'm-', kind: 'events', period: 'day', atMs, loggedMs: t0 })).toBe('m-events-2026.10.01')
    expect(indexName({ prefix: 'm-', kind: 'events', period: 'day', atMs: t0 + dayMs, loggedMs: t0 })).toBe('m-events-2026.10.02')
  })

  test('that another program gave belongs to none', () => {
    for (const name of [
      'events-2026.10',
      'm-events-2026.13',
      'm-events-2026.02.30',
      'm-events-2026.10-copy',
      'm-readings-2026.10',
      'm-events',
    ])
      expect(parseIndex('m-', name)).toBeUndefined()
  })

  test('expires when the end of its period is as old as its kind is kept for', () => {
    expect(isExpired(t0, 2, t0 + 2 * dayMs - 1)).toBe(false)
    expect(isExpired(t0, 2, t0 + 2 * dayMs)).toBe(true)
    expect(isExpired(t0, 0, t0 + 1e6 * dayMs)).toBe(false)
  })
})

describe('a document', () => {
  test('is known by where it was made from, in at most 512 bytes', () => {
    const record = logged(9, { f: 1, k: 'tick', atMs: t0 })
    expect(identity(place, { ...record, offset: 9, source: source(5, 2) })).toBe('log-a:0:5:2')
    expect(identity(place, { ...record, source: undefined })).toBe('log-a:millrace.timeline:0:9:-')
    expect(identity(place, { ...record, source: source(1, 1, 'ü'.repeat(300)) })).toHaveLength(43)
  })

  test('names no field that its kind does not have', () => {
    const alarm: AlarmRecord = {
      ...{ f: 1, k: 'alarm', id: 'a', rule: 'r', subject: 's', device: 'd', channel: 'c', priority: 'low', change: 'cleared' },
      ...{ active: false, acknowledged: true, retrospective: true, technical: false, atMs: 1, raisedMs: 1, clearedMs: 1 },
      ...{ acknowledgedMs: 1, by: 'b', note: 'n', value: 1, unit: '1', text: 't' },
    }
    const lost: [number, number] = [1, 2]
    const where = { f: 1, subject: 's', device: 'd' } as const
    const all = [
      alarm,
      { f: 1, k: 'notification', key: 'a#raised', alarm },
      { f: 1, k: 'settled', key: 'a#raised', target: 't', state: 'sent', atMs: 1 },
      { ...where, k: 'event', atMs: 1, level: 'info', code: 'C', text: 't' },
      { ...where, k: 'birth', node: 'n', atMs: 1, reason: 'r' },
      { ...where, k: 'gap', reason: 'stalled', channel: 'c', fromMs: 1, toMs: 2, lost },
      { f: 1, k: 'control', atMs: 1, control: { by: 'b', type: 'acknowledge', alarm: 'a', note: 'n' } },
      {
        ...{ f: 1, k: 'rejected', reason: 'r', detail: 'd', at: 'edge', node: 'n', device: 'd', channel: 'c', lost, atMs: 1 },
        ...{ topic: 't', receivedMs: 1, bytesBase64: 'AA==' },
      },
    ] satisfies (TimelineRecord | RejectedRecord | AlarmTopicRecord)[]
    const named = new Map<string, Set<string>>()
    for (const { kind, body } of all.flatMap((record) => one(record))) {
      const names = Object.entries(body).flatMap(([name, value]) =>
        name === 'source' ? Object.keys(value as object).map((inner) => `source.${inner}`) : value === undefined ? [] : [name],
      )
      for (const name of names) named.set(kind, (named.get(kind) ?? new Set()).add(name))
    }
    // Both ways: no field of the schema stays empty either.
    for (const kind of kindNames)
      expect([kind, [...named.get(kind)!].sort()]).toEqual([kind, Object.keys(kinds[kind].fields).sort()])
  })

  test('is made of no readings, ticks, cuts, and of no kind that a later version adds', () => {
    expect(one({ f: 1, k: 'tick', atMs: 1 })).toEqual([])
    expect(one({ f: 1, k: 'readings', subject: 's', device: 'd', hist: false, receivedMs: 1, channels: {}, waves: {} })).toEqual(
      [],
    )
    expect(one({ f: 1, k: 'later', atMs: 1 } as unknown as TimelineRecord)).toEqual([])
  })

  test('that speaks of readings is not taken for readings', () => {
    const text = 'the record {"k":"readings"} was odd'
    expect(one({ f: 1, k: 'event', subject: 's', device: 'd', atMs: 1, level: 'info', code: 'C', text })).toHaveLength(1)
  })

  test('of a rejected message has the beginning of its bytes, and their number', () => {
    const bytes = Buffer.from(Array.from({ length: 1000 }, (_, k) => k & 255))
    const rejected: RejectedRecord = {
      ...{
        f: 1,
        k: 'rejected',
        reason: 'r',
        detail: 'd',
        at: 'edge',
        lost: [0, 0],
        atMs: 1,
        bytesBase64: bytes.toString('base64'),
      },
    }
    const { body } = one(rejected, 99)[0]!
    expect(body.bytes).toBe(1000)
    expect(Buffer.from(body.bytesBase64 as string, 'base64')).toEqual(bytes.subarray(0, 99))
  })

  test('of an alarm’s state has a version that rises with the position', () => {
    const alarm = {
      f: 1,
      k: 'alarm',
      id: 'a',
      atMs: 1,
      raisedMs: 1,
      active: true,
      acknowledged: false,
    } as unknown as AlarmTopicRecord
    const version = (offset: number, index: number) =>
      documentsOf(place, logged(1, alarm, source(offset, index)), { rawBytesMax: 0 })[1]!.version!
    const places = fc.record({ offset: fc.nat(2 ** 36), index: fc.nat(65_535) })
    fc.assert(
      fc.property(places, places, (a, b) => {
        const rises = Math.sign(a.offset - b.offset || a.index - b.index)
        expect(Math.sign(version(a.offset, a.index) - version(b.offset, b.index))).toBe(rises)
        expect(Number.isSafeInteger(version(a.offset, a.index))).toBe(true)
      }),
    )
  })
})

test('the version of the templates is raised with every change of the mappings', () => {
  const text = JSON.stringify(kindNames.map((kind) => [kind, mappingOf(kind)]))
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16)
  expect([schemaVersion, hash], 'Raise schemaVersion in schema.ts, then write both here.').toEqual([1, 'be28177b0e67a714'])
})

test('a template is for the indices of its kind alone, and asks for a durable answer', () => {
  const config = openSearchSchema.parse({ numberOfReplicas: 2 })
  expect(templateOf(config, 'alarms')).toMatchObject({
    index_patterns: ['millrace-alarms-*'],
    template: { settings: { auto_expand_replicas: '0-2', 'translog.durability': 'request' }, mappings: { dynamic: false } },
  })
  expect(JSON.stringify(templateOf(config, 'alarms'))).not.toContain('lifecycle')
  expect(JSON.stringify(templateOf(config, 'alarms', 'p'))).toContain('"lifecycle.name":"p"')
  const patterns = kindNames.map((kind) => `millrace-${kind}-`)
  for (const name of patterns) expect(patterns.filter((other) => other.startsWith(name))).toEqual([name])
})

test('a store that nobody listens for opens at once, and says at the first write that it is not there', async () => {
  const config = openSearchSchema.parse({ nodes: ['http://127.0.0.1:1'] })
  const store = await openOpenSearch(config, { log: silentLog, metrics: createMetrics(), clock: systemClock })
  const tick = logged(1, { f: 1, k: 'tick', atMs: t0 })
  expect(await store.write('log-a', topics.timeline, 0, [tick])).toEqual([])
  const death: TimelineRecord = { f: 1, k: 'death', subject: 's', device: 'd', node: 'n', atMs: t0, reason: 'r' }
  await expect(store.write('log-a', topics.timeline, 0, [logged(2, death)])).rejects.toMatchObject({
    code: 'STORE_WRITE',
    retry: true,
  })
  await store.close()
  await expect(store.write('log-a', topics.timeline, 0, [tick])).rejects.toMatchObject({ code: 'STORE_CLOSED' })
})
