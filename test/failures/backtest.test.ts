/** Live and a backtest over the log come to the same alarms, record by record, over whole lives with every kind of fault. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedLog } from '@millrace/cloud-processor/log'
import { createRulesStage, ruleFileSchema } from '@millrace/cloud-processor/rules'
import { runnerDefaults, runStage, type Stage } from '@millrace/cloud-processor/stage'
import { openEmbeddedStore } from '@millrace/cloud-processor/stores'
import { createWeb, webConfig } from '@millrace/cloud-processor/web'
import { type AlarmRecord, type AlarmTopicRecord, decodeJson, encodeRaw, type RawRecord, topics } from '@millrace/contract'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { backtest, openApi, Run } from 'millrace'
import { afterEach, expect, test } from 'vitest'
import { lifeRules, liveThrough } from '../support/life/life.ts'
import { prepareLife } from '../support/life/stages.ts'
import { until } from '../support/until.ts'

const rules = ruleFileSchema.parse({
  ...lifeRules,
  rules: [
    ...lifeRules.rules,
    { name: 'fast', channel: 'spo2', condition: 'rate', per: 'second', windowMs: 3000, low: -3 },
    { name: 'often', channel: 'spo2', condition: 'm-of-n', m: 2, n: 4, low: 90 },
  ],
})
const atEnd: (() => unknown)[] = []
afterEach(async () => {
  for (const end of atEnd.splice(0).reverse()) await end()
})

/** A processor's log with prepare and rules over it, served by its page. */
async function openProcessor() {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-life-'))
  const context = { log: silentLog, metrics: createMetrics(), clock: systemClock }
  const log = await openEmbeddedLog({ path: join(folder, 'log') }, context)
  const store = await openEmbeddedStore({ path: join(folder, 'store') }, context)
  const config = webConfig.parse({ port: 0 })
  const more = { controls: { append: async () => {} }, status: () => ({}) as never, eventLog: log }
  const web = await createWeb({ config, store, ...context, ...more })
  atEnd.push(
    () => rmSync(folder, { recursive: true }),
    () => log.close(),
    () => store.close(),
    () => web.close(),
  )
  const run = async <State>(stage: Stage<State>) => {
    const running = runStage(stage, 0, runnerDefaults, { log, logger: silentLog, clock: systemClock, metrics: createMetrics() })
    const { end } = await log.bounds(stage.input, 0)
    await until('the stage is at the end', () => running.progress().next >= end, { everyMs: 5 })
    await running.stop()
  }
  const live = async (raw: RawRecord[]) => {
    await log.append(
      topics.raw,
      0,
      raw.map((record) => ({ key: '', value: encodeRaw(record) })),
    )
    await run(prepareLife(1))
    await run(createRulesStage(rules))
  }
  const alarms = async () => {
    const records = await log.read(topics.alarms, 0, 0, { records: 100_000, bytes: 1 << 28 })
    return records.map(({ value }) => decodeJson<AlarmTopicRecord>(value)).filter((one) => one.k === 'alarm')
  }
  return { live, alarms, api: openApi(`http://127.0.0.1:${web.port}/`) }
}

/** What people order in the middle of a life. */
function ordersOf(alarms: AlarmRecord[], atMs: number): RawRecord[] {
  const open = alarms.filter(({ active, change, rule }) => active && change === 'raised' && rule !== 'silent')
  return open.slice(-4).map(({ id, rule, device, channel }, k): RawRecord => {
    const of = { by: 'nurse', rule, device, channel, reason: 'test' }
    if (k === 1) return { k: 'control', atMs, control: { ...of, type: 'shelve', untilMs: atMs + 60_000 } }
    return { k: 'control', atMs, control: { by: 'nurse', type: 'acknowledge', alarm: id } }
  })
}

test.each([1, 2, 3])('of life %i a backtest says what was said live', { timeout: 60_000 }, async (seed) => {
  const raw = liveThrough(seed, 180).records.map((record) =>
    record.raw.k === 'control' && record.raw.control.type === 'rules'
      ? { ...record.raw, control: { ...record.raw.control, rules } }
      : record.raw,
  )
  const half = Math.floor(raw.length / 2)
  const { live, alarms, api } = await openProcessor()
  await live(raw.slice(0, half))
  const tick = raw.slice(0, half).findLast((one) => one.k === 'tick')
  await live([...ordersOf(await alarms(), tick!.atMs), ...raw.slice(half)])
  const made: AlarmRecord[] = []
  await backtest(api, [new Run(rules, (alarm) => made.push(alarm))], {})
  const expected = await alarms()
  expect(expected.map(({ change }) => change)).toEqual(expect.arrayContaining(['raised', 'cleared', 'acknowledged', 'shelved']))
  expect(expected.some(({ retrospective }) => retrospective)).toBe(true)
  expect(made.map((alarm) => JSON.stringify(alarm))).toEqual(expected.map((alarm) => JSON.stringify(alarm)))
})
