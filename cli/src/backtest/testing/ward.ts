/** A processor's log in a folder of its own with the rules stage over it, and its API; for tests. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedLog } from '@millrace/cloud-processor/log'
import { createRulesStage, ruleFileSchema } from '@millrace/cloud-processor/rules'
import { runnerDefaults, runStage, type Stage } from '@millrace/cloud-processor/stage'
import { type AlarmRecord, type AlarmTopicRecord, decodeJson, encodeJson, type TimelineRecord, topics } from '@millrace/contract'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import type { Api } from '../../api.ts'

export type Ward = Awaited<ReturnType<typeof openWard>>

export async function openWard(rules: object) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-backtest-'))
  const context = { log: silentLog, metrics: createMetrics() }
  const log = await openEmbeddedLog({ path: join(folder, 'log.sqlite') }, context)
  let source = 0
  const readMax = { records: 1000, bytes: 1 << 23 }

  const run = async <State>(stage: Stage<State>) => {
    const running = runStage(stage, 0, runnerDefaults, {
      ...{ log, clock: systemClock, logger: silentLog, metrics: createMetrics() },
    })
    const { end } = await log.bounds(stage.input, 0)
    while (running.progress().next < end) await new Promise((resolve) => setTimeout(resolve, 5))
    await running.stop()
  }
  const alarms = async () => {
    const all: AlarmRecord[] = []
    for (let next = 0; ; ) {
      const records = await log.read(topics.alarms, 0, next, readMax)
      if (records.length === 0) return all
      const told = records.map(({ value }) => decodeJson<AlarmTopicRecord>(value))
      all.push(...told.filter((one) => one.k === 'alarm'))
      next = records.at(-1)!.offset + 1
    }
  }
  return {
    alarms,
    async live(timeline: TimelineRecord[]) {
      const records = timeline.map((record) => ({
        key: 'key',
        value: encodeJson(record),
        source: { log: 'x', partition: 0, offset: source++, index: 0 },
      }))
      await log.append(topics.timeline, 0, records)
      await run(createRulesStage(ruleFileSchema.parse(rules)))
    },
    api: apiOver(log),
    async close() {
      await log.close()
      rmSync(folder, { recursive: true })
    },
  }
}

/** The pages that the processor serves, small, so that there are several. */
function apiOver(log: Awaited<ReturnType<typeof openEmbeddedLog>>): Api {
  const page = async (topic: string, partition: number, from: number | undefined, limit = 500) => {
    if (partition > 0) throw new Error(`/api/log/${topic}: 404 partition ${partition}`)
    const name = `millrace.${topic}` as typeof topics.timeline
    const { start, end } = await log.bounds(name, 0)
    const records = await log.read(name, 0, Math.max(start, from ?? end), { records: limit, bytes: 1 << 23 })
    return {
      ...{ id: log.id, start, end },
      records: records.map(({ offset, key, timeMs, source, value }) => ({
        ...{ offset, key, timeMs, source },
        record: JSON.parse(Buffer.from(value).toString()),
      })),
    }
  }
  return { url: 'http://ward.example/', log: page, limits: async () => ({ limits: [] }) } as unknown as Api
}
