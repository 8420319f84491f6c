/**
 * `replay rejected` tries rejected messages again: after a fix they reach the store, a second time changes nothing.
 *
 * `replay check` runs prepare and rules here, from the start of the log, into nothing, and compares every record with the one
 * that they made then: the same log gives the same result. With the processor's configuration, since other limits and rules
 * give other results. A log whose beginning was trimmed cannot be checked so: its state is in snapshots.
 */

import { plainDevices, processorSchema } from '@millrace/cloud-processor/config'
import type { LogRecord } from '@millrace/cloud-processor/log'
import { createPrepareStage } from '@millrace/cloud-processor/prepare'
import { createRulesStage } from '@millrace/cloud-processor/rules'
import type { Stage } from '@millrace/cloud-processor/stage'
import { encodeJson, encodeRaw, type RawRecord, type TimelineRecord, type Topic, topics } from '@millrace/contract'
import { loadConfig } from '@millrace/platform'
import type { Api, LogPage } from './api.ts'

export interface Outcome {
  isSame: boolean
  text: string
  [figure: string]: unknown
}

export interface ReplayOptions {
  /** Only what was rejected for this reason. */
  reason?: string
  /** The processor's configuration file. */
  config?: string
}

export async function replay(api: Api, what: 'rejected' | 'check', { reason, config }: ReplayOptions): Promise<Outcome> {
  if (what === 'rejected') {
    const { replayed } = await api.replayRejected('command line', reason)
    return { isSame: true, replayed, text: `${replayed} rejected messages were put before prepare again.` }
  }
  return check(api, config)
}

async function check(api: Api, path: string | undefined): Promise<Outcome> {
  const config = loadConfig(processorSchema, path, process.env)
  if (config.log.partitions > 1) throw new Error('replay check reads a log of one partition.')
  const prepared = await compareStage(api, createPrepareStage({ ...config.prepare, plain: plainDevices(config) }), [
    topics.timeline,
    topics.rejected,
  ])
  const ruled = await compareStage(api, createRulesStage(config.rules), [topics.alarms])
  const all = [...prepared, ...ruled]
  const lines = all.map(({ topic, compared, differs }) => `${topic}: ${differs ?? `${compared} records, all the same`}`)
  return { isSame: all.every(({ differs }) => differs === undefined), topics: all, text: lines.join('\n') }
}

interface Comparison {
  topic: Topic
  compared: number
  differs?: string
}

/** Reads the input from its start and the outputs beside it, page by page. */
async function compareStage<State>(api: Api, stage: Stage<State>, outputs: Topic[]): Promise<Comparison[]> {
  const state = stage.initial(0)
  const live = new Map(outputs.map((topic) => [topic, made(api, topic)]))
  const found = new Map(outputs.map((topic): [Topic, Comparison] => [topic, { topic, compared: 0 }]))
  for await (const line of pages(api, stage.input)) {
    const now: { topic: Topic; text: string }[] = []
    stage.step(state, toRecord(stage.input, line), (topic, _key, value) =>
      now.push({ topic, text: Buffer.from(value).toString() }),
    )
    for (const { topic, text } of now) {
      const comparison = found.get(topic)!
      const { value } = await live.get(topic)!.next()
      // What the live stage has not made yet is not a difference.
      if (value === undefined || comparison.differs !== undefined) continue
      comparison.compared++
      const then = JSON.stringify(value.record)
      if (then !== text)
        comparison.differs = `record ${value.offset} differs: then ${then.slice(0, 300)}, now ${text.slice(0, 300)}`
    }
  }
  return [...found.values()]
}

async function* pages(api: Api, topic: Topic): AsyncGenerator<LogPage['records'][number], undefined> {
  const name = topic.slice('millrace.'.length)
  const { start, end } = await api.log(name, 0, undefined)
  if (start > 0)
    throw new Error(`${topic} begins at ${start}: what came before was trimmed, so a replay from the start would differ.`)
  for (let from = 0; from < end; ) {
    const { records } = await api.log(name, 0, from)
    if (records.length === 0) return
    yield* records
    from = records.at(-1)!.offset + 1
  }
}

/** What a stage made has a source; what a notifier settled has none. */
async function* made(api: Api, topic: Topic): ReturnType<typeof pages> {
  for await (const line of pages(api, topic)) if (line.source !== undefined) yield line
}

function toRecord(topic: Topic, { offset, key, timeMs, record }: LogPage['records'][number]): LogRecord {
  if (topic !== topics.raw) return { offset, key, timeMs, value: encodeJson(record as unknown as TimelineRecord) }
  const { payloadBase64, ...raw } = record as { payloadBase64?: string } & Record<string, unknown>
  const message = payloadBase64 === undefined ? raw : { ...raw, payload: Buffer.from(payloadBase64, 'base64') }
  return { offset, key, timeMs, value: encodeRaw(message as unknown as RawRecord) }
}
