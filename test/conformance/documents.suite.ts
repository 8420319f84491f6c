/** Run by documents-opensearch.ts and documents-elasticsearch.ts, which say on which engine. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openOpenSearch, openSearchSchema, setUpOpenSearch } from '@millrace/cloud-processor/sinks'
import { describeSink } from '@millrace/cloud-processor/sinks/conformance'
import { describeDocuments } from '@millrace/cloud-processor/sinks/documents-conformance'
import { kindNames } from '@millrace/cloud-processor/sinks/opensearch-schema'
import { encodeJson, topics } from '@millrace/contract'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { afterAll, describe, expect, test } from 'vitest'
import { askEngine, makePlace, makeSinkPlace, type SearchEngine, startSearchEngine } from './documents-place.ts'
import { startTlsFront } from './tls-front.ts'

const name = process.env.SUITE_ENGINE as SearchEngine
let running: ReturnType<typeof startSearchEngine> | undefined
const engine = async () => {
  running ??= startSearchEngine(name)
  return (await running).engine
}

afterAll(async () => {
  await (await running)?.stop()
})

describeSink(name, async () => makeSinkPlace(await engine()))
describeDocuments(name, async () => makePlace(await engine()))

const context = { log: silentLog, clock: systemClock }
const configFor = (address: string, indexPrefix: string, more: object = {}) =>
  openSearchSchema.parse({ nodes: [address], indexPrefix, ...more })
const death = (offset: number) => ({
  offset,
  key: 'd',
  timeMs: Date.now(),
  value: encodeJson({ f: 1, k: 'death', subject: 'd', device: 'd', node: 'n', atMs: Date.now(), reason: 'node death' }),
})

describe(`setting up ${name}`, () => {
  test('may be done again and again, and makes templates, present indices and names for all periods', async () => {
    const { address } = await engine()
    const config = configFor(address, 'setup-')
    await setUpOpenSearch(config, context)
    await setUpOpenSearch(config, context)
    const month = new Date().toISOString().slice(0, 7).replace('-', '.')
    const found = await askEngine(address, 'GET', '/setup-*')
    expect(Object.keys(found).sort()).toEqual(kindNames.map((kind) => `setup-${kind}-${month}`).sort())
    const { aliases, mappings, settings } = found[`setup-events-${month}`]
    expect(Object.keys(aliases)).toEqual(['setup-events'])
    expect(mappings.dynamic).toBe('false')
    expect(mappings.properties.code).toEqual({ type: 'keyword', ignore_above: 1024 })
    expect(settings.index).toMatchObject({ auto_expand_replicas: '0-1', translog: { durability: 'request' } })
  })

  test('brings new fields to indices that are there, and a writer leaves a newer template alone', async () => {
    const { address } = await engine()
    const config = configFor(address, 'older-')
    const template = (version: number) => ({
      index_patterns: ['older-events-*'],
      version,
      template: { mappings: { dynamic: false, properties: { device: { type: 'keyword', ignore_above: 1024 } } } },
    })
    await askEngine(address, 'PUT', '/_index_template/older-events', template(0))
    await askEngine(address, 'PUT', '/older-events-2026.01')
    const store = await openOpenSearch(config, { ...context, metrics: createMetrics() })
    await store.write('log-a', topics.timeline, 0, [death(1)])
    await store.close()
    const mapped = (await askEngine(address, 'GET', '/older-events-2026.01/_mapping'))['older-events-2026.01'].mappings.properties
    expect(mapped.code.type).toBe('keyword')

    await askEngine(address, 'PUT', '/_index_template/older-events', template(99))
    const again = await openOpenSearch(config, { ...context, metrics: createMetrics() })
    await again.write('log-a', topics.timeline, 0, [death(2)])
    await again.close()
    const [{ index_template: kept }] = (await askEngine(address, 'GET', '/_index_template/older-events')).index_templates
    expect(kept.version).toBe(99)
  })
})

test(`${name} behind TLS and a password takes what comes with both, and only that`, async () => {
  const { address } = await engine()
  const dir = mkdtempSync(join(tmpdir(), 'millrace-tls-'))
  const front = await startTlsFront(address, dir)
  const { caFile, passwordFile } = front
  const write = async (offset: number, more: object) => {
    const config = configFor(front.address, 'secret-', { username: 'millrace', timeoutMs: 5000, ...more })
    const store = await openOpenSearch(config, { ...context, metrics: createMetrics() })
    try {
      return await store.write('log-a', topics.timeline, 0, [death(offset)])
    } finally {
      await store.close()
    }
  }
  try {
    expect(await write(1, { caFile, passwordFile })).toEqual([])
    // A password that rotates while the writer runs.
    const config = configFor(front.address, 'secret-', { username: 'millrace', caFile, passwordFile })
    const store = await openOpenSearch(config, { ...context, metrics: createMetrics() })
    await store.write('log-a', topics.timeline, 0, [death(2)])
    front.setPassword('second')
    await expect(store.write('log-a', topics.timeline, 0, [death(3)])).rejects.toMatchObject({ retry: true })
    writeFileSync(passwordFile, 'second\n')
    expect(await store.write('log-a', topics.timeline, 0, [death(3)])).toEqual([])
    await store.close()
    await expect(write(4, { passwordFile })).rejects.toMatchObject({
      code: 'STORE_WRITE',
      message: expect.stringMatching(/certificate/),
    })
    await expect(write(5, { caFile })).rejects.toMatchObject({ retry: true, message: expect.stringMatching(/HTTP 401/) })
    await askEngine(address, 'POST', '/secret-*/_refresh')
    expect((await askEngine(address, 'GET', '/secret-events/_count')).count).toBe(3)
  } finally {
    await front.close()
    rmSync(dir, { recursive: true })
  }
})
