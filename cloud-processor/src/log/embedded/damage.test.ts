/** Bytes of the log's file are flipped at random; then the stages and the store go on from it. */

import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env as processEnv } from 'node:process'
import { DatabaseSync } from 'node:sqlite'
import { emptyEdgeCounts, encodeRaw, type LedgerRecord, type RawRecord, topics } from '@millrace/contract'
import { encodeDeviceBirth, encodeNodeBirth, encodeNodeData } from '@millrace/contract/sparkplug'
import { createMetrics, type Log as Logger, silentLog, systemClock } from '@millrace/platform'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { prepareSchema } from '../../prepare/config.ts'
import { createPrepareStage } from '../../prepare/index.ts'
import { batch, columns, dataTopic, declaration } from '../../prepare/testing/agent.ts'
import { runnerDefaults, runSink, runStage } from '../../stage/index.ts'
import { openEmbeddedStore } from '../../stores/index.ts'
import type { Log } from '../log.ts'
import { openEmbeddedLog } from './embedded.ts'
import { slotSpan } from './file.ts'

const t0 = Date.UTC(2026, 0, 1)
const perBatch = 5
// Each test starts and stops a log and a store several times.
vi.setConfig({ testTimeout: 120_000 })

let dir: string
let path: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-damage-'))
  path = join(dir, 'log.sqlite')
})
afterEach(() => rm(dir, { recursive: true }))

function randomOf(seed: number) {
  let state = seed * 7919 + 1
  return (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % below
  }
}

const append = (log: Log, record: RawRecord) => log.append(topics.raw, 0, [{ key: 'g/n', value: encodeRaw(record) }])
const message = (topic: string, payload: Uint8Array): RawRecord => ({ k: 'message', topic, payload, receivedMs: t0 })
const readingsOf = (number: number) => Array.from({ length: perBatch }, (_, k) => t0 + number * 1000 + k * 100)

async function appendBirths(log: Log) {
  await append(log, message('spBv1.0/g/NBIRTH/n', encodeNodeBirth({ bdSeq: 3, timestamp: t0 })))
  await append(log, message('spBv1.0/g/DBIRTH/n/bed-1', encodeDeviceBirth(declaration, { timestamp: t0, seq: 1 })))
}

async function appendBatches(log: Log, from: number, to: number) {
  for (let number = from; number <= to; number++) {
    if (number % 10 === 0) await appendLedger(log, number)
    else {
      const t = readingsOf(number)
      const payload = batch(
        { number, count: perBatch },
        columns(
          t,
          t.map((_, k) => number + k),
        ),
      )
      await append(log, message(dataTopic, payload))
    }
    if (number % 5 === 0) await append(log, { k: 'tick', atMs: t0 + number * 1000 })
  }
}

/** Every tenth number is a ledger record: everything before it is freed. */
async function appendLedger(log: Log, number: number) {
  const read = number - 1 - Math.floor((number - 1) / 10)
  const record: LedgerRecord = {
    ...{ f: 1, stream: 'streamone', through: number - 1, floors: { streamone: number } },
    devices: { 'bed-1': { ...emptyEdgeCounts(), read: [read * perBatch, 0] } },
  }
  const metrics = { 'Millrace/Ledger': JSON.stringify(record) }
  const payload = encodeNodeData({ name: { stream: 'streamone', number, count: 0 }, metrics, timestamp: t0, seq: 1 })
  await append(log, message('spBv1.0/g/NDATA/n', payload))
}

interface Run {
  errors: { code?: string; message: string }[]
  failed: unknown
}

/** Prepare and the store until both have taken everything. */
async function process(
  work: (log: Log) => Promise<void>,
  stages = ['prepare', 'store'],
): Promise<Run & { found: Awaited<ReturnType<typeof answersOf>> }> {
  const run: Run = { errors: [], failed: undefined }
  const logger: Logger = { ...silentLog, error: (_text, values) => void run.errors.push((values as { error: Error }).error) }
  const context = { clock: systemClock, logger, metrics: createMetrics() }
  const log = await openEmbeddedLog({ path }, { log: logger, metrics: context.metrics })
  const store = await openEmbeddedStore({ path: join(dir, 'store.sqlite') }, { log: logger, metrics: context.metrics })
  await work(log)
  const stage = stages.includes('prepare')
    ? runStage(createPrepareStage(prepareSchema.parse({})), 0, runnerDefaults, { ...context, log })
    : undefined
  stage?.failed.catch((error) => {
    run.failed = error
  })
  const caughtUp = async (topic: typeof topics.raw | typeof topics.timeline, next: () => number | undefined) => {
    const end = async () => (await log.bounds(topic, 0)).end
    for (const from = Date.now(); Date.now() - from < 20_000 && !run.failed && (next() ?? 0) < (await end()); )
      await new Promise((resolve) => setTimeout(resolve, 5))
  }
  if (stage) await caughtUp(topics.raw, () => stage.progress().next)
  if (stages.includes('store')) {
    const write = (records: Parameters<typeof store.write>[1]) => store.write(0, records)
    const sink = {
      name: 'store',
      topic: topics.timeline,
      partition: 0,
      position: () => store.open(log.id, 0),
      write,
      holdsLog: true,
    }
    const running = runSink(sink, runnerDefaults, { ...context, log })
    await caughtUp(topics.timeline, () => running.progress().next)
    await running.stop()
  }
  await stage?.stop()
  const found = await answersOf(store)
  await store.close()
  await log.close()
  return { ...run, found }
}

async function answersOf(store: Awaited<ReturnType<typeof openEmbeddedStore>>) {
  const stretch = { device: 'bed-1', channel: 'spo2', fromMs: 0, toMs: 1e14 }
  return { ...(await store.points(stretch)), ledger: await store.ledger(), gaps: await store.gaps('bed-1', 0, 1e14) }
}

interface Target {
  table: 'blocks' | 'snapshots'
  /** Raw is 0, the timeline 1: the order of `topics`. */
  slot?: number
  from?: number
}

/** Flips bytes in the bodies of some rows; returns the ids of blocks that were hit. */
function flip(seed: number, { table, slot = 0, from = 0 }: Target): number[] {
  const random = randomOf(seed)
  const db = new DatabaseSync(path)
  const [column, where] = table === 'blocks' ? ['block', 'id >= ? AND id < ?'] : ['state', 'rowid >= ? AND rowid < ?']
  const [low, high] = table === 'blocks' ? [slot * slotSpan + from, (slot + 1) * slotSpan] : [0, 1e9]
  const rows = db.prepare(`SELECT rowid AS id, ${column} AS body FROM ${table} WHERE ${where} ORDER BY rowid`).all(low, high)
  const hit = new Set<number>()
  for (let k = 0; k < 4; k++) {
    const { id, body } = rows[random(rows.length)] as { id: number; body: Uint8Array }
    for (let flips = 1 + random(20); flips > 0; flips--) body[random(body.length)]! ^= 1 << random(8)
    db.prepare(`UPDATE ${table} SET ${column} = ? WHERE rowid = ?`).run(body, id)
    hit.add(table === 'blocks' ? id - slot * slotSpan : id)
  }
  db.close()
  return [...hit]
}

/** DAMAGE_SEEDS=20 tries more. */
const seeds = Array.from({ length: Number(processEnv.DAMAGE_SEEDS ?? 1) }, (_, k) => k + 1)

test.each(seeds)(
  'messages that are damaged before they were prepared are a gap, and all others arrive (seed %i)',
  async (seed) => {
    await process(async (log) => {
      await appendBirths(log)
      await appendBatches(log, 1, 20)
    })
    await process(async (log) => appendBatches(log, 21, 60), [])
    const from = 27
    const hit = flip(seed, { table: 'blocks', from })
    const { errors, failed, found } = await process(async (log) => appendBatches(log, 61, 100))
    expect(failed).toBeUndefined()
    checkAccount(found, errors, hit.length)
  },
)

test.each(seeds)('readings that are damaged before they were stored are a gap, and all others arrive (seed %i)', async (seed) => {
  await process(async (log) => {
    await appendBirths(log)
    await appendBatches(log, 1, 20)
  })
  for (let from = 21; from <= 60; from += 10) await process(async (log) => appendBatches(log, from, from + 9), ['prepare'])
  const stored = Number(new DatabaseSync(join(dir, 'store.sqlite')).prepare('SELECT next FROM positions').get()!.next)
  const hit = flip(seed, { table: 'blocks', slot: 1, from: stored })
  const { errors, failed, found } = await process(async (log) => appendBatches(log, 61, 100))
  expect(failed).toBeUndefined()
  checkAccount(found, errors, hit.length * 9)
})

test.each(seeds)('a stage whose snapshots are damaged goes on, and nothing is lost (seed %i)', async (seed) => {
  await process(async (log) => {
    await appendBirths(log)
    await appendBatches(log, 1, 20)
  })
  await process(async (log) => appendBatches(log, 21, 60))
  flip(seed, { table: 'snapshots' })
  const { failed, found } = await process(async (log) => appendBatches(log, 61, 100))
  expect(failed).toBeUndefined()
  expect(found.t).toHaveLength(90 * perBatch)
  expect(found.ledger.map(({ difference }) => difference)).toEqual([[0, 0]])
  expect(found.gaps).toEqual([])
})

test.each(seeds)(
  'of a file with 200 flipped bytes anywhere behind its first page all else is read and nothing wrong, and it goes on (seed %i)',
  async (seed) => {
    const value = (n: number) => `${n} `.padEnd(400, `${n}`)
    const open = (errors: Error[] = []) => {
      const log: Logger = { ...silentLog, error: (_text, values) => void errors.push((values as { error: Error }).error) }
      return openEmbeddedLog({ path }, { log, metrics: createMetrics() })
    }
    const log = await open()
    for (let n = 0; n < 10_000; n += 10)
      await log.append(
        topics.raw,
        0,
        Array.from({ length: 10 }, (_, k) => ({ key: 'k', value: Buffer.from(value(n + k)) })),
      )
    await log.close()
    const bytes = await readFile(path)
    const random = randomOf(seed)
    for (let flips = 0; flips < 200; flips++) bytes[4096 + random(bytes.length - 4096)]! ^= 1 << random(8)
    await writeFile(path, bytes)
    const errors: Error[] = []
    const again = await open(errors)
    const found = await readAll(again)
    expect(found.every(({ offset, text }) => text === value(offset))).toBe(true)
    expect(found.length).toBeGreaterThan(5000)
    expect(errors.length).toBeGreaterThan(0)
    for (const error of errors) expect(error.message).toMatch(/^LOG_(DAMAGED|RESCUED): .*log\.sqlite/)
    await again.append(topics.raw, 0, [{ key: 'k', value: Buffer.from('later') }]).catch(() => {})
    await again.close()
    const last = await open()
    await last.append(topics.raw, 0, [{ key: 'k', value: Buffer.from('last') }])
    expect((await readAll(last)).at(-1)!.text).toBe('last')
    await last.close()
  },
)

test.each([
  ['its mark', 3, 5],
  ['the format of its schema', 47, 1],
  ['its kind', 68, 5],
])('a first page that is damaged (%s) is refused by the code, and without the file it starts again', async (_what, at, bits) => {
  const open = () => openEmbeddedLog({ path }, { log: silentLog, metrics: createMetrics() })
  await (await open()).close()
  const bytes = await readFile(path)
  bytes[at]! ^= bits
  await writeFile(path, bytes)
  await expect(open()).rejects.toThrow(/^LOG_CORRUPT: .*log\.sqlite.*Move the file away/)
  await rename(path, `${path}.away`)
  const again = await open()
  expect(await again.append(topics.raw, 0, [{ key: 'k', value: Buffer.of(1) }])).toBeDefined()
  await again.close()
})

test('a file that SQLite cannot write any more becomes a new one with all that can be read', async () => {
  await process(async (log) => {
    await appendBirths(log)
    await appendBatches(log, 1, 20)
  })
  await writeFile(`${path}.rescue`, '')
  const { errors, failed, found } = await process(async (log) => appendBatches(log, 21, 40))
  expect(failed).toBeUndefined()
  expect(errors[0]!.message).toMatch(/^LOG_RESCUED: .*log\.sqlite.damaged-/)
  expect(found.t).toHaveLength(36 * perBatch)
  expect(found.ledger.map(({ difference }) => difference)).toEqual([[0, 0]])
})

test.each([
  ['bytes that are not a record', Buffer.from([9, 9, 9, 9])],
  ['a record without what its kind has', Buffer.concat([Buffer.of(2), Buffer.from('{"k":"control"}')])],
])('%s are left out by name, and what lies around them arrives', async (_what, value) => {
  const { errors, failed, found } = await process(async (log) => {
    await appendBirths(log)
    await appendBatches(log, 1, 13)
    await log.append(topics.raw, 0, [{ key: 'x', value }])
    await appendBatches(log, 14, 20)
  })
  expect(failed).toBeUndefined()
  expect(errors.map(({ code }) => code)).toContain('LOG_DAMAGED')
  expect(found.t).toHaveLength(18 * perBatch)
  expect(found.ledger.map(({ difference }) => difference)).toEqual([[0, 0]])
})

async function readAll(log: Log) {
  const found: { offset: number; text: string }[] = []
  const { start, end } = await log.bounds(topics.raw, 0)
  for (let next = start; next < end; ) {
    const records = await log.read(topics.raw, 0, next, { records: 1000, bytes: 1e7 })
    if (records.length === 0) break
    next = records.at(-1)!.offset + 1
    for (const { offset, value, damage } of records) if (!damage) found.push({ offset, text: Buffer.from(value).toString() })
  }
  return found
}

/** What is stored and what was lost is everything; each damage was named. */
function checkAccount(found: Awaited<ReturnType<typeof answersOf>>, errors: Run['errors'], batches: number) {
  const all = Array.from({ length: 100 }, (_, k) => k + 1)
    .filter((number) => number % 10 !== 0)
    .flatMap(readingsOf)
  const damaged = errors.filter(({ code }) => code === 'LOG_DAMAGED')
  const missing = all.length - found.t.length
  expect(found.t.every((t) => all.includes(t))).toBe(true)
  expect(missing).toBeLessThanOrEqual(batches * perBatch)
  expect(damaged.length).toBeGreaterThan(0)
  for (const { message } of damaged)
    expect(message).toMatch(/LOG_DAMAGED.*log\.sqlite.*millrace\.(raw|timeline)\/0.*offset \d+ to \d+.*Check the disk/)
  expect(found.ledger.map(({ device, difference }) => [device, difference])).toEqual([['bed-1', [0, 0]]])
  const lost = found.gaps.filter(({ reason }) => reason === 'damaged').reduce((sum, gap) => sum + (gap.lost?.[0] ?? 0), 0)
  expect(lost).toBe(missing)
}
