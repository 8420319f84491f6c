/** A simulated processor: the real bridge, stage runner, prepare and rules, on a simulated log and store. */

import { bridgeSchema, startBridge } from '@millrace/cloud-processor/bridge'
import type { Log } from '@millrace/cloud-processor/log'
import { createPrepareStage, type PrepareState, prepareSchema } from '@millrace/cloud-processor/prepare'
import { createRulesStage, ruleFileSchema } from '@millrace/cloud-processor/rules'
import { runnerDefaults, runSink, runStage, type Stage } from '@millrace/cloud-processor/stage'
import { topics } from '@millrace/contract'
import { createMetrics, silentLog } from '@millrace/platform'
import { host } from './agent.ts'
import type { Bug } from './bugs.ts'
import type { Disk } from './disk.ts'
import { type LogFrame, logOnDisk } from './log-disk.ts'
import type { Network } from './network.ts'
import { type StoreFrame, storeOnDisk } from './store-disk.ts'
import type { Process } from './world.ts'

export interface CloudOptions {
  network: Network
  logDisk: Disk<LogFrame>
  storeDisk: Disk<StoreFrame>
  logId: string
  partitions: number
  bug: Bug | undefined
  crashed: () => void
  /** The rules are behind for as long as it runs: live data goes first all the time. */
  isBusy: boolean
  /** Every message that the bridge publishes, before it is on its way. */
  onPublish: (topic: string, payload: Uint8Array) => void
}

export const rules = ruleFileSchema.parse({
  rules: [
    {
      name: 'level-high',
      channel: 'level',
      condition: 'above',
      set: 50,
      clear: 40,
      delayOnMs: 500,
      delayOffMs: 500,
      priority: 'high',
    },
  ],
})

export const prepareConfig = prepareSchema.parse({})

const options = { ...runnerDefaults, stepRecords: 50, snapshotEveryRecords: 60, snapshotEveryMs: 700 }

export function startCloud(process: Process, around: CloudOptions): void {
  const { network, bug, partitions } = around
  const crash = around.crashed
  const logBugs = { marksMerged: bug === 'marks-merged', sendsPastFailure: bug === 'sends-past-failure' }
  const log = logOnDisk(around.logDisk, process, crash, around.logId, partitions, logBugs)
  const stageAround = { log, clock: process.clock, logger: silentLog, metrics: createMetrics() }
  const store = storeOnDisk(around.storeDisk, process, crash, {
    markBeforeRows: bug === 'mark-before-rows',
    losesUnderGaps: bug === 'lost-under-gap',
  })
  const prepare = createPrepareStage(prepareConfig, partitions)
  const each = Array.from({ length: partitions }, (_, p) => p)

  const prepared = each.map((p) => runStage(bug === 'no-deduplication' ? forgetful(prepare) : prepare, p, options, stageAround))
  const ruled = each.map((p) => runStage(createRulesStage(rules), p, options, stageAround))
  for (const run of [...prepared, ...ruled]) run.failed.catch(() => {})
  for (const partition of each) {
    runSink(
      {
        name: 'store',
        topic: topics.timeline,
        partition,
        position: async () => store.position(partition),
        write: async (records) => {
          await store.write(partition, records)
          return []
        },
        holdsLog: true,
      },
      options,
      stageAround,
    )
  }
  const bridgeConfig = bridgeSchema.parse({ host })
  if (bug === 'backlog-never') bridgeConfig.backlogBytesPerSecondMin = 0
  const lagMs = () =>
    Math.max(
      around.isBusy ? 2 * bridgeConfig.lagMsMax : 0,
      Math.max(...prepared.map((run) => run.progress().lagMs)) + Math.max(...ruled.map((run) => run.progress().lagMs)),
    )
  const transport = network.bridgeTransport(process, around.onPublish)
  startBridge(bridgeConfig, {
    ...stageAround,
    log: bug === 'receipt-before-append' ? hasty(log) : log,
    transport,
    lagMs,
  }).lead()
}

/** The planted bug: an append is said to be durable before it is. */
function hasty(log: Log): Log {
  return {
    ...log,
    async append(topic, partition, records) {
      log.append(topic, partition, records).catch(() => {})
      return 0
    },
  }
}

/** The planted bug: no number was ever seen. */
function forgetful(stage: Stage<PrepareState>): Stage<PrepareState> {
  return {
    ...stage,
    step(state, record, emit) {
      for (const stream of state.streams.values()) {
        stream.settled.length = 0
        stream.floor = 1
      }
      stage.step(state, record, emit)
    },
  }
}
