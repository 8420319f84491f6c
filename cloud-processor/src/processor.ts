/**
 * The cloud processor on one screen:
 *
 *   broker ─ bridge ─► raw ─ prepare ─► timeline ─ rules ─► alarms ─ notifier ─► people
 *                                    ├► rejected │                └ web
 *                                    │           ├ store           └ documents
 *                                    │           └ web
 *
 * On a log that several processes share, each does the stages that its configuration names, and they share the partitions
 * of each stage (members/). On the embedded log this process is alone and does everything.
 */

import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock, every, type Log as Lines, type Metrics, type Part, stopInOrder } from '@millrace/platform'
import { appendControl, connectTransport, createRebirths, startBridge } from './bridge/index.ts'
import type { ProcessorConfig } from './config.ts'
import { runDocumentSinks } from './document-sinks.ts'
import { logBytes, openDocuments, openLog, openStore } from './engines.ts'
import { joinMembers, keepShares, ownerOf, type Role } from './members/index.ts'
import { observe, watchAlarms } from './observe/index.ts'
import { followForPage, type PageRun } from './page-sinks.ts'
import { createPrepareStage } from './prepare/index.ts'
import { followWishes } from './rebirth-sinks.ts'
import { announceRules } from './rule-changes.ts'
import { createRulesStage, openNotifier } from './rules/index.ts'
import { type Around, runStage } from './stage/index.ts'
import { createStatus } from './status.ts'
import { runStoreSink } from './store-sink.ts'
import { createWeb } from './web/index.ts'

const trimEveryMs = 60_000

export interface Processor {
  /** Absent where this process serves no page. */
  webPort?: number
  /** Rejects when a stage cannot go on. */
  failed: Promise<never>
  stop(): Promise<void>
}

export async function startProcessor(
  config: ProcessorConfig,
  around: { clock: Clock; lines: Lines; metrics: Metrics },
): Promise<Processor> {
  const { clock, lines, metrics } = around
  const does = (stage: (typeof config.stages)[number]) => config.stages.includes(stage)
  mkdirSync(config.dataDir, { recursive: true })
  const log = await openLog(config, around)
  const { partitions } = log
  const stageAround: Around = { log, clock, lines, metrics }
  const store = does('store') || does('web') ? await openStore(config, around) : undefined
  // An embedded store belongs to this process: on a shared log it is a copy of everything, not of a share.
  const isStoreShared = config.store.kind === 'influxdb' || !log.board
  const documents = does('documents') ? await openDocuments(config, around) : undefined

  const alarms = watchAlarms(metrics, () =>
    shares.progress().flatMap(({ name, partition }) => (name === 'rules' ? [partition] : [])),
  )
  const roles: Role[] = [
    { name: 'lead', among: 'bridge', partitions: 1, start: lead },
    {
      name: 'prepare',
      partitions,
      start: (p) => runStage(createPrepareStage(config.prepare, partitions), p, config.runner, stageAround),
    },
    {
      name: 'rules',
      partitions,
      start: (p) => runStage(alarms.of(createRulesStage(config.rules), p), p, config.runner, stageAround),
    },
    { name: 'notifier', partitions: 1, isExclusive: true, start: () => notifier!.send() },
    // Of two writers one would find in the engine what the other wrote, and count it as collapsed.
    ...(isStoreShared
      ? [{ name: 'store', partitions, isExclusive: true, start: (p: number) => keepInStore('store', p, members.isSure) }]
      : []),
    ...(documents
      ? [{ name: 'documents', partitions, start: (p: number) => runDocumentSinks(documents, p, config.runner, stageAround) }]
      : []),
  ]
  const shares = keepShares(
    roles.filter(({ name, among }) => (config.stages as string[]).includes(among ?? name)),
    clock,
  )
  const members = joinMembers(
    log.board,
    {
      id: `${config.name}-${randomUUID().slice(0, 8)}`,
      roles: config.stages,
      holds: shares.held,
      lagMs: () => lagOf(shares.progress()),
    },
    around,
  )
  const lagMs = () => members.lagMs(['prepare', 'rules'])

  const notifier =
    does('notifier') || does('web')
      ? await openNotifier(
          { ...config.notifier, path: join(config.dataDir, 'notifier.sqlite') },
          { log, clock, lines, metrics, lagMs, isSure: members.isSure },
        )
      : undefined
  const transport = does('bridge')
    ? connectTransport(config.bridge, { clock, lines, ...(log.board ? { instance: members.self } : {}) })
    : undefined
  const bridge = transport
    ? startBridge(config.bridge, {
        log,
        transport,
        clock,
        lines,
        metrics,
        lagMs,
        isLast: () => members.live('bridge').length <= 1,
        ...(log.board && config.bridge.share === 'nodes'
          ? { ownsNode: (node: string) => ownerOf(node, members.live('bridge')) === members.self }
          : {}),
      })
    : undefined
  const page = does('web') ? await openPage() : undefined
  const copies =
    does('store') && !isStoreShared
      ? Array.from({ length: partitions }, (_, partition) => keepInStore(`store@${config.name}`, partition))
      : []
  const progress = () => [...shares.progress(), ...copies.map((copy) => copy.progress()), ...(page?.progress() ?? [])]
  const observed = await observe(config.metrics, { ...around, progress, bridge, store })
  shares.follow(members)

  /** What one bridge does for all of them. */
  function lead() {
    const leading = bridge!.lead()
    const wishes = followWishes(createRebirths({ transport: transport!, clock, lines, metrics }), config.runner, stageAround)
    announceRules(config, log, clock).catch((error) => lines.error('the rules of the configuration do not act yet', { error }))
    const stopTrimming = every(clock, trimEveryMs, () => {
      log.trim().catch((error) => lines.warn('cannot trim the log', { error }))
    })
    return {
      async stop() {
        stopTrimming()
        await Promise.all([wishes.stop(), leading.stop()])
      },
    }
  }

  function keepInStore(name: string, partition: number, isSure = () => true) {
    return runStoreSink(store!, { name, partition, isSure }, config.runner, stageAround)
  }

  async function openPage() {
    let sinks: PageRun | undefined
    const status = createStatus({ log, clock, logBytes: () => logBytes(config) })
    const web = await createWeb({
      config: config.web,
      store: store!,
      log: lines,
      metrics,
      clock,
      eventLog: log,
      controls: { append: (control) => appendControl(log, clock, control) },
      status: () =>
        status.view(
          [...shares.progress(), ...copies.map((copy) => copy.progress()), ...(sinks?.progress() ?? [])],
          bridge?.status(),
        ),
      ...(config.staticDir ? { staticDir: config.staticDir } : {}),
    })
    sinks = followForPage({ web, status, options: config.runner, around: stageAround })
    return {
      port: web.port,
      progress: () => sinks!.progress(),
      async stop() {
        await sinks?.stop()
        await web.close()
      },
    }
  }

  const parts: Part[] = [
    { name: 'metrics endpoint', stop: observed.stop },
    // The lead among them: of several bridges only the last says that the host is offline.
    { name: 'shares', stop: shares.stop },
    { name: 'bridge', stop: () => bridge?.stop() },
    { name: 'members', stop: members.close },
    { name: 'store copies', stop: () => Promise.all(copies.map((copy) => copy.stop())) },
    { name: 'page', stop: () => page?.stop() },
    { name: 'notifier', stop: () => notifier?.close() },
    { name: 'store', stop: () => store?.close() },
    { name: 'documents', stop: () => documents?.close() },
    { name: 'log', stop: log.close },
  ]
  return {
    ...(page ? { webPort: page.port } : {}),
    failed: shares.failed,
    async stop() {
      await stopInOrder(parts, { clock, log: lines })
    },
  }
}

/** The worst of each role. */
function lagOf(progress: { name: string; lagMs: number }[]): Record<string, number> {
  const lags: Record<string, number> = {}
  for (const { name, lagMs } of progress) lags[name] = Math.max(lags[name] ?? 0, lagMs)
  return lags
}
