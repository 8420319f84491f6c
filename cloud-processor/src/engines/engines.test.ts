import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { afterAll, expect, test } from 'vitest'
import { plainDevices, plainFilters, processorSchema } from '../config.ts'
import { openEngines, setUp } from './index.ts'

const dir = mkdtempSync(join(tmpdir(), 'millrace-engines-'))
afterAll(() => rmSync(dir, { recursive: true }))
const context = () => ({ clock: systemClock, logger: silentLog, metrics: createMetrics() })
/** Neither asks anything of its engine before the first write. */
const sinks = { archive: { kind: 'opensearch', nodes: ['http://127.0.0.1:1'] } }

async function sinksOpened(config: object) {
  const engines = await openEngines(processorSchema.parse({ dataDir: join(dir, 'data'), ...config }), context())
  for (const { sink } of engines.sinks ?? []) await sink.close()
  await engines.store?.close()
  await engines.log.close()
  return engines.sinks?.map(({ name, stage }) => `${name} for ${stage}`)
}

test('the sinks of a configuration are opened under their names, where this process has their stage', async () => {
  expect(await sinksOpened({})).toEqual([])
  expect(await sinksOpened({ documents: {}, sinks })).toEqual(['documents for documents', 'sink-archive for sinks'])
  const stages = ['bridge', 'prepare', 'rules', 'sinks']
  expect(await sinksOpened({ documents: {}, sinks, stages })).toEqual(['sink-archive for sinks'])
})

test('a log that is not shared wants every stage of the flow', async () => {
  await expect(sinksOpened({ stages: ['bridge', 'web'] })).rejects.toMatchObject({ code: 'STAGES_LEFT_OUT' })
})

test('setup says what needs none', async () => {
  const said: string[] = []
  await setUp(processorSchema.parse({ dataDir: dir }), context(), (text) => said.push(text))
  expect(said).toEqual(['log: the embedded one needs no setup', 'store: the embedded one needs no setup'])
})

test('a sink is checked by the schema of its kind', () => {
  const faults = (given: object) => processorSchema.safeParse({ sinks: given }).error?.issues.map(({ path }) => path.join('.'))
  expect(faults({ archive: { kind: 'opensearch', nodes: ['http://far.example:9200'] } })).toEqual(['sinks.archive.nodes'])
  expect(faults({ archive: { kind: 'tape' } })).toEqual(['sinks.archive.kind'])
  expect(faults({ 'An Archive': { kind: 'opensearch' } })).toEqual(['sinks.An Archive'])
})

test('what `devices` names is read and subscribed to, before what prepare.plain names', () => {
  const channels = [{ name: 'v', path: 'v' }]
  const config = processorSchema.parse({
    devices: [{ filter: 'lab/+/state', channels }],
    prepare: { plain: [{ filter: 'old/+', channels }] },
    bridge: { plain: ['old/+', 'more/#'] },
  })
  expect(plainDevices(config).map(({ filter }) => filter)).toEqual(['lab/+/state', 'old/+'])
  expect(plainFilters(config)).toEqual(['old/+', 'more/#', 'lab/+/state'])
})
