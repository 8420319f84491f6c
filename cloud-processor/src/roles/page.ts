/** The page, and what it sees of the log: the timeline and rejections from now on, alarms from the start, so that open ones are known. */
import { join } from 'node:path'
import {
  type AlarmTopicRecord,
  type Control,
  type CutRecord,
  decodeJson,
  derivedStream,
  directStream,
  type TimelineRecord,
  type Topic,
  topics,
} from '@millrace/contract'
import { isClearText } from '@millrace/platform'
import { appendControl, hasAccount, sendOrder } from '../bridge/index.ts'
import { plainDevices } from '../config.ts'
import { Gateways, gatewaysFile } from '../gateways/index.ts'
import { type Plugin, pluginFor } from '../kinds/index.ts'
import type { LogRecord } from '../log/index.ts'
import { createRejectedCount } from '../observe/index.ts'
import { People, peopleFile } from '../people/index.ts'
import { createPrepareStage } from '../prepare/index.ts'
import { RegistryLoader } from '../registry/loader.ts'
import { type Marks, type Progress, pass, runSink, type SinkRun } from '../stage/index.ts'
import { type Store, stores } from '../stores/index.ts'
import { createStatus, createWeb, type Web } from '../web/index.ts'
import type { Needs, RunningBridge, Service } from './context.ts'

/** The page draws its live values every 100 ms. */
const restMs = 30
/** Shown in one turn of the event loop. */
const showBytes = 512 << 10

export interface Page extends Service {
  port: number
}

type PageContext = Needs<'config' | 'store' | 'logBytes'>

/** @param shown what the process works on besides the page, and its bridge */
export async function openPage(
  context: PageContext,
  shown: { progress(): Progress[]; running: RunningBridge | undefined },
): Promise<Page> {
  const { config, log, clock, logger } = context
  const sinks: SinkRun[] = []
  const progress = () => sinks.map((sink) => sink.progress())
  const status = createStatus(context)
  const people = new People(join(config.dataDir, peopleFile), clock)
  const gateways = shown.running && openGateways(context, shown.running)
  const append = (control: Control) => appendControl(log, clock, control)
  const prepareStage = createPrepareStage({ ...config.prepare, plain: plainDevices(config) })
  const registry = new RegistryLoader({ log, logger, prepare: prepareStage }, append)
  const keptDays = pluginFor<Plugin<Store>>(stores, config.store).keptDays?.(config.store)
  const kept = keptDays === undefined ? {} : { keptDays }
  const web = await createWeb({
    ...context,
    people,
    ...(gateways ? { gateways } : {}),
    registry,
    config: config.web,
    rules: config.rules,
    store: context.store!,
    log: logger,
    eventLog: log,
    controls: { append },
    status: () => ({ ...kept, ...status.view([...shown.progress(), ...progress()], shown.running?.bridge.status()) }),
    ...(config.staticDir ? { staticDir: config.staticDir } : {}),
  })
  people.follow(append, logger)
  sinks.push(...follow(context, { web, status, gateways, registry }))
  return {
    port: web.port,
    progress,
    async stop() {
      await Promise.all(sinks.map((sink) => sink.stop()))
      await web.close()
      gateways?.close()
      people.close()
    },
  }
}

/** Orders leave by the bridge of this process: without one gateways are seen nowhere here. */
function openGateways(context: PageContext, { transport }: RunningBridge): Gateways {
  const { config, clock, logger: log } = context
  const { host, url } = config.bridge
  return new Gateways({
    path: join(config.dataDir, gatewaysFile),
    host,
    send: (node, order) => sendOrder(transport, { node, order, atMs: clock.now() }),
    isAuthenticated: hasAccount(config.bridge) && !isClearText(url),
    clock,
    log,
  })
}

interface Followers {
  web: Web
  status: ReturnType<typeof createStatus>
  gateways: Gateways | undefined
  registry: RegistryLoader
}

function follow(context: PageContext, { web, status, gateways, registry }: Followers): SinkRun[] {
  const { log, metrics } = context
  const countRejected = createRejectedCount(metrics)
  const showTimeline = (records: LogRecord[]) => {
    const timeline = readable<TimelineRecord>(records)
    status.see(timeline)
    if (gateways) showGateways(gateways, timeline)
    web.onTimeline(timeline)
  }
  const showAlarms = (records: LogRecord[]) => web.onAlarms(readable<AlarmTopicRecord>(records))
  return Array.from({ length: log.partitions }, (_, partition) => [
    live(context, {
      name: 'page',
      topic: topics.timeline,
      partition,
      from: 'end',
      show: showTimeline,
      begin: () => registry.load(partition),
    }),
    live(context, { name: 'page-rejected', topic: topics.rejected, partition, from: 'end', show: countRejected }),
    live(context, { name: 'page-alarms', topic: topics.alarms, partition, from: 'start', show: showAlarms }),
  ]).flat()
}

/** Other nodes and plain devices take no configuration from here: they are asked nothing. */
const isOfAgent = ({ stream }: CutRecord) => stream !== derivedStream && stream !== directStream

function showGateways(gateways: Gateways, timeline: TimelineRecord[]): void {
  for (const record of timeline) {
    if (record.k === 'gateway') gateways.see(record)
    else if (record.k === 'cut' && isOfAgent(record)) gateways.meet(record.node)
  }
}

/** The store's sink names one that is damaged. */
function readable<T extends TimelineRecord | AlarmTopicRecord>(records: LogRecord[]): T[] {
  return records.flatMap(({ value }) => {
    try {
      return [decodeJson<T>(value)]
    } catch {
      return []
    }
  })
}

interface Live {
  name: string
  topic: Topic
  partition: number
  from: 'start' | 'end'
  show(records: LogRecord[]): void
  /** Before the first record, and again after a failure, when it is known from where on it follows. */
  begin?(): Promise<void>
}

function live(context: PageContext, { name, topic, partition, from, show, begin }: Live): SinkRun {
  const { config, log } = context
  const limits = { ...config.runner, stepBytes: Math.min(config.runner.stepBytes, showBytes) }
  const marks: Marks = {}
  const position = async () => {
    const place = (await log.bounds(topic, partition))[from]
    await begin?.()
    return place
  }
  const write = async (records: LogRecord[]) => {
    // The marks move after the records were shown: what failed is shown when it is tried again.
    const passed = { ...marks }
    show(records.filter(({ source }) => pass(passed, source)))
    Object.assign(marks, passed)
    return []
  }
  return runSink({ name, topic, partition, position, write, restMs, holdsLog: false }, limits, context)
}
