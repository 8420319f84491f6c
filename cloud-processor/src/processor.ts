/**
 * The cloud processor on one screen:
 *
 *   broker ─ bridge ─► raw ─ prepare ─► timeline ─ rules ─► alarms ─ notifier ─► people
 *                                    ├► rejected │                └ web
 *                                    │           ├ store
 *                                    │           └ web
 */
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type AlarmTopicRecord, decodeJson, type TimelineRecord, topics } from '@millrace/contract'
import { type Clock, every, type Log as Lines, type Metrics } from '@millrace/contract/service'
import { connectTransport, startBridge } from './bridge/index.ts'
import type { ProcessorConfig } from './config.ts'
import { openEmbeddedLog } from './log/index.ts'
import { createPrepareStage } from './prepare/index.ts'
import { createRejectedCount } from './rejected-count.ts'
import { announceRules } from './rule-changes.ts'
import { createRulesStage, openNotifier } from './rules/index.ts'
import { type Around, runSink, runStage } from './stage/index.ts'
import { createStatus } from './status.ts'
import { openEmbeddedStore } from './stores/index.ts'
import { createWeb } from './web/index.ts'

const trimEveryMs = 60_000
/** A question to the store misses at most this much of the newest. */
const storeRestMs = 100
/** The page draws its live values every 100 ms. */
const pageRestMs = 30

export interface Processor {
  webPort: number
  /** Rejects when a stage cannot go on. */
  failed: Promise<never>
  stop(): Promise<void>
}

export async function startProcessor(
  config: ProcessorConfig,
  around: { clock: Clock; lines: Lines; metrics: Metrics },
): Promise<Processor> {
  const { clock, lines, metrics } = around
  mkdirSync(config.dataDir, { recursive: true })
  const logPath = join(config.dataDir, 'log.sqlite')
  const log = await openEmbeddedLog({ ...config.log, path: logPath }, { log: lines, metrics })
  const store = await openEmbeddedStore(
    { ...config.store, path: join(config.dataDir, 'store.sqlite') },
    { log: lines, metrics, clock },
  )
  const stageAround: Around = { log, clock, lines, metrics }
  const partitions = Array.from({ length: log.partitions }, (_, partition) => partition)
  const status = createStatus({ log, clock, logBytes: () => statSync(logPath).size })
  let bridge: ReturnType<typeof startBridge> | undefined

  const prepare = partitions.map((p) =>
    runStage(createPrepareStage(config.prepare, log.partitions), p, config.runner, stageAround),
  )
  const rules = partitions.map((p) => runStage(createRulesStage(config.rules), p, config.runner, stageAround))
  const notifier = await openNotifier(
    { ...config.notifier, path: join(config.dataDir, 'notifier.sqlite') },
    { log, clock, lines, metrics, lagMs },
  )
  const web = await createWeb({
    config: config.web,
    store,
    log: lines,
    metrics,
    clock,
    eventLog: log,
    controls: { append: (control) => bridge!.control(control) },
    status: () =>
      status.view(
        [...prepare, ...rules, ...sinks].map((run) => run.progress()),
        bridge!.status(),
      ),
    ...(config.staticDir ? { staticDir: config.staticDir } : {}),
  })

  const countRejected = createRejectedCount(metrics)
  const sinks = partitions.flatMap((partition) => [
    runSink(
      {
        name: 'store',
        topic: topics.timeline,
        partition,
        position: (kept) => store.open(log.id, partition, kept),
        write: (records) => store.write(partition, records),
        restMs: storeRestMs,
        holdsLog: true,
      },
      config.runner,
      stageAround,
    ),
    live('page', topics.timeline, partition, (records: TimelineRecord[]) => {
      status.see(records)
      web.onTimeline(records)
    }),
    runSink(
      {
        name: 'page-rejected',
        topic: topics.rejected,
        partition,
        position: async () => (await log.bounds(topics.rejected, partition)).end,
        write: async (records) => {
          countRejected(records)
          return []
        },
        holdsLog: false,
      },
      config.runner,
      stageAround,
    ),
    live('page-alarms', topics.alarms, partition, (records: AlarmTopicRecord[]) => web.onAlarms(records)),
  ])

  const transport = connectTransport(config.bridge, { clock, lines })
  bridge = startBridge(config.bridge, { log, transport, clock, lines, metrics, lagMs })
  await announceRules(config, bridge)
  const stopTrimming = every(clock, trimEveryMs, () => {
    log.trim().catch((error) => lines.warn('cannot trim the log', { error }))
  })

  /** A sink that shows what is new; alarms from the start of the topic, so that open ones are known. */
  function live<R extends TimelineRecord | AlarmTopicRecord>(
    name: string,
    topic: typeof topics.timeline | typeof topics.alarms,
    partition: number,
    show: (records: R[]) => void,
  ) {
    const position = async () => {
      const { start, end } = await log.bounds(topic, partition)
      return topic === topics.timeline ? end : start
    }
    const write = async (records: { value: Uint8Array }[]) => {
      show(records.map(({ value }) => decodeJson<R>(value)))
      return []
    }
    return runSink({ name, topic, partition, position, write, restMs: pageRestMs, holdsLog: false }, config.runner, stageAround)
  }

  function lagMs(): number {
    const worst = (runs: typeof prepare) => Math.max(...runs.map((run) => run.progress().lagMs))
    return worst(prepare) + worst(rules)
  }

  return {
    webPort: web.port,
    failed: Promise.race([...prepare, ...rules].map((run) => run.failed)),
    async stop() {
      stopTrimming()
      await bridge!.stop()
      await Promise.all([...prepare, ...rules, ...sinks].map((run) => run.stop()))
      await web.close()
      await notifier.close()
      await store.close()
      await log.close()
    },
  }
}
