/** Log, store and notifications of a processor, and what a version's stages make of the raw records in the log. */
import { join } from 'node:path'
import type { Log } from '@millrace/cloud-processor/log'
import type { SinkRun } from '@millrace/cloud-processor/stage'
import type { EmbeddedStore } from '@millrace/cloud-processor/stores'
import {
  type AlarmTopicRecord,
  decodeJson,
  encodeRaw,
  type RejectedRecord,
  type TimelineRecord,
  type Topic,
  topics,
} from '@millrace/contract'
import { type Life, lifePrepare, lifeRules, liveThrough } from '../support/life/life.ts'
import { until } from '../support/until.ts'
import type { Version } from './version.ts'

type JsonRecord = TimelineRecord | RejectedRecord | AlarmTopicRecord
type Notifications = ReturnType<Version['notifications']['openOutbox']>
type SinkOptions = Parameters<Version['stages']['runSink']>[0]

const { records } = liveThrough(7, 24)
const third = Math.floor(records.length / 3)
/** Merged into chunks and minutes by the store; in its batches; in the log only, with the snapshots that go before. */
export const parts = [records.slice(0, third), records.slice(third, 2 * third), records.slice(2 * third)] as const

const readMax = { records: 10_000, bytes: 1 << 26 }

export class SampleProcessor {
  readonly store: EmbeddedStore
  private readonly version: Version
  private readonly log: Log
  private readonly notifications: Notifications

  private constructor(version: Version, log: Log, store: EmbeddedStore, notifications: Notifications) {
    this.version = version
    this.log = log
    this.store = store
    this.notifications = notifications
  }

  static async open(version: Version, dir: string): Promise<SampleProcessor> {
    const { platform } = version
    const silent = { log: platform.silentLog, metrics: platform.createMetrics() }
    const log = await version.log.openEmbeddedLog({ path: join(dir, 'log') }, silent)
    const store = await version.stores.openEmbeddedStore({ path: join(dir, 'store') }, silent)
    const options = { path: join(dir, 'notifier'), targets: ['webhook'], queueMax: 1000, historyMax: 1000 }
    return new SampleProcessor(version, log, store, version.notifications.openOutbox(options, platform.silentLog, 0))
  }

  append(part: Life['records']): Promise<number> {
    const records = part.map(({ key = '', raw }) => ({ key, value: encodeRaw(raw) }))
    return this.log.append(topics.raw, 0, records)
  }

  /** Every stage, to the end of its input; each ends with a snapshot. */
  async work(): Promise<void> {
    const { log, store, notifications } = this
    const { prepare, rules, stages } = this.version
    const context = this.context()
    const { runnerDefaults } = stages
    const preparing = prepare.createPrepareStage(prepare.prepareSchema.parse(lifePrepare))
    const judging = rules.createRulesStage(rules.ruleFileSchema.parse(lifeRules))
    await toTheEnd(stages.runStage(preparing, 0, runnerDefaults, context))
    await toTheEnd(stages.runStage(judging, 0, runnerDefaults, context))
    const sink: SinkOptions = {
      ...{ name: 'store', topic: topics.timeline, partition: 0, holdsLog: true },
      position: () => store.open(log.id, 0),
      write: (records) => store.write(0, records),
    }
    await toTheEnd(stages.runSink(sink, runnerDefaults, context))
    const alarms = await this.read(topics.alarms, notifications.position(log.id, 0))
    if (alarms.length > 0) notifications.take(log.id, 0, alarms)
  }

  /** What can be asked of it. */
  async answers() {
    const { log, notifications } = this
    const records = async <T extends JsonRecord>(topic: Topic) =>
      (await this.read(topic)).map(({ offset, key, value, source }) => ({ offset, key, source, record: decodeJson<T>(value) }))
    return {
      raw: (await this.read(topics.raw)).map(({ offset, key, value }) => [offset, key, Buffer.from(value).toString('base64')]),
      timeline: await records<TimelineRecord>(topics.timeline),
      rejected: await records<RejectedRecord>(topics.rejected),
      alarms: await records<AlarmTopicRecord>(topics.alarms),
      prepared: (await log.loadSnapshot('prepare', 0))?.next,
      judged: (await log.loadSnapshot('rules', 0))?.next,
      ...(await storeAnswers(this.store)),
      notified: notifications.position(log.id, 0),
      notifications: notifications.list(1000),
    }
  }

  async close(): Promise<void> {
    this.notifications.close()
    await this.store.close()
    await this.log.close()
  }

  /** An earlier version calls its logger `lines`. */
  private context() {
    const { silentLog, systemClock, createMetrics } = this.version.platform
    return { log: this.log, logger: silentLog, lines: silentLog, clock: systemClock, metrics: createMetrics() }
  }

  private async read(topic: Topic, from?: number) {
    const { start } = await this.log.bounds(topic, 0)
    return this.log.read(topic, 0, from ?? start, readMax)
  }
}

async function toTheEnd(run: Pick<SinkRun, 'progress' | 'stop'>): Promise<void> {
  const isAtEnd = () => run.progress().next > 0 && run.progress().next >= run.progress().end
  await until('the stage is at the end', isAtEnd, { everyMs: 5 })
  await run.stop()
}

async function storeAnswers(store: EmbeddedStore) {
  const always = [0, 8e15] as const
  const devices = await store.devices()
  const series = devices.flatMap(({ device, channels }) => channels.map(({ name, kind }) => ({ device, name, kind })))
  const content = await Promise.all(
    series.map(async ({ device, name, kind }) =>
      store[kind === 'waveform' ? 'segments' : 'points']({ device, channel: name, fromMs: always[0], toMs: always[1] }),
    ),
  )
  return {
    devices,
    content: series.map(({ device, name }, k) => ({ device, name, content: content[k] })),
    gaps: await store.gaps(undefined, ...always),
    ledger: await store.ledger(),
    totals: await store.totals(),
    events: await store.events(...always),
  }
}
