import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ruleFileSchema } from '@millrace/alarms'
import { type AlarmTopicRecord, decodeJson, encodeJson, type TimelineRecord, topics } from '@millrace/contract'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { afterEach, expect, test } from 'vitest'
import { openEmbeddedLog } from '../log/index.ts'
import { runnerDefaults, runStage } from '../stage/index.ts'
import { createRulesStage } from './rules.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

const low = { name: 'low', channel: 'spo2', condition: 'below', set: 88 }
const file = (more: object = {}) => ruleFileSchema.parse({ rules: [low], ...more })
const tick = (atMs: number): TimelineRecord => ({ f: 1, k: 'tick', atMs })
const readings = (t: number[], v: number[], subject = 'anna'): TimelineRecord => ({
  ...{ f: 1, k: 'readings', subject, device: 'bed-1', hist: false, receivedMs: t.at(-1)!, waves: {} },
  channels: { spo2: { t, v } },
})

/** Steps a stage by itself; each line is what it emitted. */
function emitted(stage: ReturnType<typeof createRulesStage>, records: TimelineRecord[], state = stage.initial(0)): string[] {
  const out: string[] = []
  for (const [offset, record] of records.entries()) {
    stage.step(state, { offset, key: '', value: encodeJson(record), timeMs: 0 }, (topic, key, value) => {
      const made = decodeJson<AlarmTopicRecord>(value)
      out.push(`${topic} ${key} ${made.k === 'alarm' ? `${made.change} ${made.id}` : `notify ${made.key}`}`)
    })
  }
  return out
}

test('each change goes to the alarms topic under its subject, with a notification beside it', () => {
  expect(emitted(createRulesStage(file()), [readings([1, 2], [80, 95])])).toEqual([
    'millrace.alarms anna raised low/bed-1/spo2/1',
    'millrace.alarms anna notify low/bed-1/spo2/1#raised',
    'millrace.alarms anna cleared low/bed-1/spo2/1',
    'millrace.alarms anna notify low/bed-1/spo2/1#cleared',
  ])
})

test('retrospective changes and acknowledgements are not notified, nor ends when notifyCleared is off', () => {
  const acknowledge = { by: 'nurse', type: 'acknowledge', alarm: 'low/bed-1/spo2/100000' } as const
  const records = [
    tick(100_000),
    readings([50_000], [80]),
    readings([100_000], [80]),
    { f: 1, k: 'control', control: acknowledge, atMs: 100_001 } as const,
    readings([100_002], [95]),
  ]
  const notified = emitted(createRulesStage(file({ notifyCleared: false })), records).filter((line) => line.includes('notify'))
  expect(notified).toEqual(['millrace.alarms anna notify low/bed-1/spo2/100000#raised'])
})

test('of a shelved alarm nobody is told until its time is over', () => {
  const shelve = { by: 'nurse', type: 'shelve', rule: 'low', device: 'bed-1', channel: 'spo2', untilMs: 104_000 } as const
  const records = [
    tick(100_000),
    readings([100_000], [95]),
    { f: 1, k: 'control', control: shelve, atMs: 100_001 } as const,
    readings([101_000], [80]),
    tick(103_000),
    tick(104_000),
  ]
  const id = 'low/bed-1/spo2/101000'
  expect(emitted(createRulesStage(file()), records).map((line) => line.replace('millrace.alarms anna ', ''))).toEqual([
    'shelved low/bed-1/spo2/100001/s',
    `shelved ${id}`,
    'unshelved low/bed-1/spo2/100001/s',
    `unshelved ${id}`,
    `raised ${id}`,
    `notify ${id}#raised`,
  ])
})

test('of an ingest gap only the engine of the same partition tells, though all see the ticks', () => {
  const stage = createRulesStage(file())
  const told = (partition: number) => emitted(stage, [tick(1000), tick(9000)], stage.initial(partition))
  expect([told(0).length, told(1)]).toEqual([2, []])
})

test('a state read back goes on where it was, with the rules that acted last', () => {
  const stage = createRulesStage(file())
  const state = stage.initial(0)
  const rules = { rules: [{ ...low, set: 70 }] }
  emitted(stage, [{ f: 1, k: 'control', control: { by: 'x', type: 'rules', rules }, atMs: 0 }, readings([1], [75])], state)
  expect(emitted(stage, [readings([2], [69])], stage.decode(stage.encode(state)))).toHaveLength(2)
  expect(() => stage.decode(Buffer.from('{"f":9}'))).toThrow('ALARMS_STATE_NEWER')
})

test('run on the log and started again, the stage says each thing once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-rules-'))
  folders.push(folder)
  const context = { log: silentLog, metrics: createMetrics() }
  const log = await openEmbeddedLog({ path: join(folder, 'log.sqlite') }, context)
  const append = (source: number, record: TimelineRecord) =>
    log.append(topics.timeline, 0, [
      { key: 'anna', value: encodeJson(record), source: { log: 'x', partition: 0, offset: source, index: 0 } },
    ])
  const session = async (wanted: number) => {
    const run = runStage(createRulesStage(file()), 0, runnerDefaults, {
      log,
      clock: systemClock,
      logger: silentLog,
      metrics: createMetrics(),
    })
    run.failed.catch(() => {})
    while ((await log.bounds(topics.alarms, 0)).end < wanted) await new Promise((resolve) => setTimeout(resolve, 5))
    await run.stop()
  }
  await append(0, tick(1))
  await append(1, readings([1], [80]))
  await session(2)
  await append(2, readings([2], [95]))
  await session(4)
  const records = await log.read(topics.alarms, 0, 0, { records: 100, bytes: 1e6 })
  expect(records.map(({ value }) => decodeJson<AlarmTopicRecord>(value).k)).toEqual([
    'alarm',
    'notification',
    'alarm',
    'notification',
  ])
  await log.close()
})
