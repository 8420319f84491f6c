import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Control, decodeRaw, encodeRaw, type RegistryControl, subjectAt, topics } from '@millrace/contract'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { backUp, restore } from '../backup/index.ts'
import { appendControl } from '../bridge/index.ts'
import { type Log, openEmbeddedLog } from '../log/index.ts'
import { createPrepareStage, prepareSchema } from '../prepare/index.ts'
import { runnerDefaults, runStage } from '../stage/index.ts'
import { RegistryLoader } from './loader.ts'

let dir: string
let log: Log
const partitions = 2
const open = (folder: string) =>
  openEmbeddedLog({ path: join(dir, folder, 'log.sqlite'), partitions }, { log: silentLog, metrics: createMetrics() })

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-registry-'))
  log = await open('live')
})
afterEach(async () => {
  await log.close()
  rmSync(dir, { recursive: true })
})

const assigned = (value: string, version: number): RegistryControl => ({
  ...{ type: 'registry', by: 'Ada', id: value, version, atMs: 1 },
  changes: [{ device: 'bed-1', property: 'subject', value, fromMs: version * 1000 }],
})

/** Ends the process between two partitions where `until` is below their number. */
async function order(control: Control, until = partitions): Promise<void> {
  const value = encodeRaw({ k: 'control', control, atMs: 1 })
  for (let partition = 0; partition < until; partition++) await log.append(topics.raw, partition, [{ key: 'control', value }])
}

const prepare = () => createPrepareStage(prepareSchema.parse({}))

/** `prepare` takes what is there, and stops with a snapshot. */
async function runPrepare(): Promise<void> {
  const context = { log, clock: systemClock, logger: silentLog, metrics: createMetrics() }
  const runs = Array.from({ length: partitions }, (_, partition) => runStage(prepare(), partition, runnerDefaults, context))
  await expect.poll(() => runs.every((run) => run.progress().received > 0)).toBe(true)
  await Promise.all(runs.map((run) => run.stop()))
}

async function load() {
  const loader = new RegistryLoader({ log, logger: silentLog, prepare: prepare() }, (control) =>
    appendControl(log, systemClock, control),
  )
  for (let partition = 0; partition < partitions; partition++) await loader.load(partition)
  await loader.loaded
  return loader.entries
}

test('the registry is what prepare kept and what was ordered since', async () => {
  await order(assigned('anna', 1))
  await runPrepare()
  await order(assigned('ben', 2))
  const registry = await load()
  expect([999, 1000, 1999, 2000].map((t) => subjectAt(registry, 'bed-1', t))).toEqual(['bed-1', 'anna', 'anna', 'ben'])
  // Nothing was ordered again.
  expect((await log.bounds(topics.raw, 1)).end).toBe(2)
})

test('an order that reached one partition only, since its process ended, reaches all of them', async () => {
  await order(assigned('anna', 1))
  await order(assigned('ben', 2), 1)
  expect(subjectAt(await load(), 'bed-1', 2000)).toBe('ben')
  const records = await log.read(topics.raw, 1, 0, { records: 10, bytes: 1e6 })
  const expected = {
    type: 'registry',
    id: 'ben',
    version: 2,
    by: 'Ada',
    changes: [{ device: 'bed-1', value: 'ben', fromMs: 2000 }],
  }
  expect(decodeRaw(records.at(-1)!.value)).toMatchObject({ k: 'control', control: expected })
})

test('it comes back with a backup', async () => {
  await order(assigned('anna', 1))
  await runPrepare()
  await backUp(join(dir, 'live'), join(dir, 'backup'), systemClock)
  await log.close()
  await restore(join(dir, 'backup'), join(dir, 'new'), { partitions }, { clock: systemClock, logger: silentLog })
  log = await open('new')
  expect(subjectAt(await load(), 'bed-1', 1000)).toBe('anna')
})
