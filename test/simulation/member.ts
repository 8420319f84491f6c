/** One of several simulated processors on a shared log: the real one, on simulated engines, and what the checks see of it. */
import type { LogRecord } from '@millrace/cloud-processor/log'
import type { Members } from '@millrace/cloud-processor/members'
import { type Parts, parts } from '@millrace/cloud-processor/parts'
import { startProcessor } from '@millrace/cloud-processor/processor'
import type { AnnouncedRules, NotifierRun } from '@millrace/cloud-processor/rules'
import { type Log as Logger, silentLog, stopMsMax } from '@millrace/platform'
import type { Bug } from './bugs.ts'
import { leadableTransport } from './host-state.ts'
import type { Network } from './network.ts'
import { plantedParts } from './planted.ts'
import { simulatedConfig, simulatedEngines } from './processor.ts'
import type { LogBugs, SharedLog } from './shared-log.ts'
import type { SharedStore } from './shared-store.ts'
import type { Process } from './world.ts'

export interface MemberOptions {
  /** The machine's name; each process on it has an id of its own. */
  machine: string
  id: string
  network: Network
  sharedLog: SharedLog
  store: SharedStore
  bug: Bug | undefined
  announced: AnnouncedRules
  onPublish: (member: Member, topic: string, payload: Uint8Array) => void
  /** The receiver of notifications. @throws when it cannot be reached. */
  onSend: (member: Member, key: string) => void
  onFailed: (error: unknown) => void
}

export interface Member {
  id: string
  machine: string
  process: Process
  /** As they are, whatever a planted bug makes of them. */
  members: Members
  held(): string[]
  /** Assignments with records still to take, as far as it knows. */
  behind(): string[]
  isSending: boolean
  stop(): Promise<void>
}

const config = simulatedConfig(['bridge', 'prepare', 'rules', 'notifier', 'store'])
export const assignmentsOf = (partitions: number) => [
  'lead/0',
  'notifier/0',
  ...['prepare', 'rules', 'store'].flatMap((role) => Array.from({ length: partitions }, (_, p) => `${role}/${p}`)),
]
/** Of the parts of a processor; and a moment for what happens between them. */
export const memberStopMsMax = stopMsMax(10) + 100

export async function startMember(process: Process, options: MemberOptions): Promise<Member> {
  const { machine, id, network, bug } = options
  const member = { id, machine, process, isSending: false } as Member
  const { assignments, failed, stop } = await startProcessor(
    config,
    {
      ...simulatedEngines(process),
      id,
      log: options.sharedLog.open(process, machine, logBugs(bug)),
      store: options.store.open(process),
      connect: () => leadableTransport(network, process, machine, (topic, payload) => options.onPublish(member, topic, payload)),
      announced: options.announced,
      logger: receiver((key) => options.onSend(member, key)),
    },
    plantedParts(bug, observed(member)),
  )
  failed.catch(options.onFailed)
  return Object.assign(member, {
    held: assignments.held,
    behind: () =>
      assignments
        .progress()
        .filter(({ next, end }) => next < end)
        .map(({ name, partition }) => `${name}/${partition}`),
    stop,
  })
}

/** The receiver of the kind `log` is the process's own log. */
function receiver(receive: (key: string) => void): Logger {
  return {
    ...silentLog,
    info(message, fields) {
      if (message.startsWith('alarm ')) receive(fields!.key as string)
    },
  }
}

/** The real parts, which tell what they do. */
function observed(member: Member): Parts {
  return {
    ...parts,
    joinMembers(...given) {
      member.members = parts.joinMembers(...given)
      return member.members
    },
    async openNotifier(config, context) {
      const notifier = await parts.openNotifier(config, context)
      return { ...notifier, send: () => observedSending(member, notifier) }
    },
  }
}

function observedSending(member: Member, notifier: NotifierRun): { stop(): Promise<void> } {
  const sending = notifier.send()
  member.isSending = true
  return {
    stop() {
      member.isSending = false
      return sending.stop()
    },
  }
}

function logBugs(bug: Bug | undefined): LogBugs {
  const source = sourceBugs[bug as keyof typeof sourceBugs] as LogBugs['source']
  return {
    snapshotEarly: bug === 'snapshot-early',
    sendsPastFailure: bug === 'goes-on-past-unknown',
    anySnapshot: bug === 'foreign-snapshot',
    ...(source ? { source } : {}),
  }
}

const sourceBugs = {
  // No two records have a mark in common.
  'repeats-not-silenced': ({ source, offset }: LogRecord) => source && { ...source, log: `${source.log}#${offset}` },
  // All have the same.
  'one-mark': ({ source }: LogRecord) => source && { ...source, partition: 0 },
}
