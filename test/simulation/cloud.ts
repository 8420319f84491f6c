/** A simulated processor that is alone: the real one, on a simulated log and store. */
import { parts } from '@millrace/cloud-processor/parts'
import { startProcessor } from '@millrace/cloud-processor/processor'
import type { AnnouncedRules } from '@millrace/cloud-processor/rules'
import type { Bug } from './bugs.ts'
import type { Disk } from './disk.ts'
import { type LogFrame, logOnDisk } from './log-disk.ts'
import type { Network } from './network.ts'
import { plantedParts, withBusyRules } from './planted.ts'
import { simulatedConfig, simulatedEngines } from './processor.ts'
import { type StoreFrame, storeOnDisk } from './store-disk.ts'
import type { Process } from './world.ts'

export interface CloudOptions {
  network: Network
  logDisk: Disk<LogFrame>
  storeDisk: Disk<StoreFrame>
  logId: string
  partitions: number
  announced: AnnouncedRules
  bug: Bug | undefined
  crashed: () => void
  /** The rules are behind for as long as it runs: live data goes first all the time. */
  isBusy: boolean
  /** Every message that the bridge publishes, before it is on its way. */
  onPublish: (topic: string, payload: Uint8Array) => void
}

/** Rejects when it cannot go on. */
export async function startCloud(process: Process, options: CloudOptions): Promise<never> {
  const { network, bug, partitions, crashed } = options
  const config = simulatedConfig(['bridge', 'prepare', 'rules', 'store'])
  if (bug === 'backlog-never') config.bridge.backlogBytesPerSecondMin = 0
  const logBugs = { marksMerged: bug === 'marks-merged', sendsPastFailure: bug === 'sends-past-failure' }
  const storeBugs = { markBeforeRows: bug === 'mark-before-rows', losesUnderGaps: bug === 'lost-under-gap' }
  const planted = plantedParts(bug, parts)
  const processor = await startProcessor(
    config,
    {
      ...simulatedEngines(process),
      id: 'cloud',
      log: logOnDisk({ disk: options.logDisk, process, crash: crashed, id: options.logId, partitions, bugs: logBugs }),
      store: storeOnDisk(options.storeDisk, process, crashed, storeBugs),
      connect: () => network.bridgeTransport(process, options.onPublish),
      announced: options.announced,
    },
    options.isBusy ? withBusyRules(planted, 2 * config.bridge.lagMsMax) : planted,
  )
  return processor.failed
}
