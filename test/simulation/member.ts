/** One of several simulated processors on a shared log, put together as `cloud-processor/src/processor.ts` does it. */

import { appendControl, bridgeSchema, startBridge } from '@millrace/cloud-processor/bridge'
import type { Board, Log, LogRecord } from '@millrace/cloud-processor/log'
import { createPrepareStage } from '@millrace/cloud-processor/prepare'
import { createRulesStage, notifierSchema, openNotifier } from '@millrace/cloud-processor/rules'
import { runnerDefaults, runSink, runStage } from '@millrace/cloud-processor/stage'
import { topics } from '@millrace/contract'
import { type Clock, createMetrics, type Part, silentLog, stopInOrder, stopMsMax } from '@millrace/platform'
import { joinMembers, keepShares, type Members, ownerOf, type Role } from '../../cloud-processor/src/members/index.ts'
import { host } from './agent.ts'
import type { Bug } from './bugs.ts'
import { prepareConfig, rules } from './cloud.ts'
import { leadableTransport } from './host-state.ts'
import type { Network } from './network.ts'
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
  /** Whether this machine has brought its rules before the stages. */
  rulesAnnounced: { is: boolean }
  onPublish: (member: Member, topic: string, payload: Uint8Array) => void
  /** The receiver of notifications. @throws when it cannot be reached. */
  onSend: (member: Member, key: string) => void
  onFailed: (error: unknown) => void
}

export interface Member {
  id: string
  machine: string
  process: Process
  members: Members
  held(): string[]
  /** Shares with records still to take, as far as it knows. */
  behind(): string[]
  isSending: boolean
  stop(): Promise<void>
}

const roleNames = ['bridge', 'prepare', 'rules', 'notifier', 'store'] as const
export const sharesOf = (partitions: number) => [
  'lead/0',
  'notifier/0',
  ...['prepare', 'rules', 'store'].flatMap((role) => Array.from({ length: partitions }, (_, p) => `${role}/${p}`)),
]

const options = { ...runnerDefaults, stepRecords: 50, snapshotEveryRecords: 60, snapshotEveryMs: 700 }
const storeRestMs = 100
/** Of its parts, as below; and a moment for what happens between them. */
export const memberStopMsMax = stopMsMax(5) + 100

export async function startMember(process: Process, around: MemberOptions): Promise<Member> {
  const { machine, id, network, bug } = around
  const { clock } = process
  const log = around.sharedLog.open(process, machine, logBugs(bug))
  const { partitions } = log
  const stageAround = { log, clock, logger: silentLog, metrics: createMetrics() }
  const store = around.store.open(process)
  const member = { id, machine, process, isSending: false } as Member

  const roles: Role[] = [
    { name: 'lead', among: 'bridge', partitions: 1, start: lead },
    {
      name: 'prepare',
      partitions,
      start: (p) => runStage(createPrepareStage(prepareConfig, partitions), p, options, stageAround),
    },
    { name: 'rules', partitions, start: (p) => runStage(createRulesStage(rules), p, options, stageAround) },
    { name: 'notifier', partitions: 1, isExclusive: true, start: sendNotifications },
    { name: 'store', partitions, start: keepInStore },
  ]
  const shares = keepShares(clock)
  shares.failed.catch(around.onFailed)
  const joined = joinMembers(
    log.board,
    { id, roles: roleNames, holds: shares.held, lagMs: () => lagOf(shares.progress()) },
    stageAround,
  )
  const members = believed(joined, bug)
  const lagMs = () => members.lagMs(['prepare', 'rules'])

  const notifier = await openNotifier(
    { ...notifierSchema.parse({ to: [{ kind: 'log', name: 'people' }] }), path: ':memory:' },
    {
      ...stageAround,
      logger: {
        ...silentLog,
        // The receiver of the kind `log` is the process's own log.
        info(_message, fields) {
          if (typeof fields?.key === 'string') around.onSend(member, fields.key)
        },
      },
      lagMs,
      isSure: members.isSure,
    },
  )
  const ownsNode = (node: string) => ownerOf(node, members.live('bridge')) === members.self
  const bridge = startBridge(bridgeSchema.parse({ host }), {
    ...stageAround,
    log: bug === 'trusts-the-other' ? trusting(log, ownsNode) : log,
    transport: leadableTransport(network, process, machine, (topic, payload) => around.onPublish(member, topic, payload)),
    lagMs,
    isLast: () => members.live('bridge').length <= 1,
    ownsNode: bug === 'trusts-the-other' ? () => true : ownsNode,
  })
  shares.follow(members, roles)

  function lead() {
    const leading = bridge.lead()
    if (!around.rulesAnnounced.is) {
      appendControl(log, clock, { by: 'configuration', type: 'rules', rules }).then(
        () => {
          around.rulesAnnounced.is = true
        },
        () => {},
      )
    }
    return leading
  }

  function sendNotifications() {
    const sending = notifier.send()
    member.isSending = true
    return {
      stop() {
        member.isSending = false
        return sending.stop()
      },
    }
  }

  function keepInStore(partition: number) {
    return runSink(
      {
        name: 'store',
        topic: topics.timeline,
        partition,
        position: (kept) => store.open(partition, kept),
        async write(records) {
          await store.write(partition, records)
          return []
        },
        restMs: storeRestMs,
        holdsLog: true,
      },
      options,
      stageAround,
    )
  }

  const parts: Part[] = [
    { name: 'shares', stop: shares.stop },
    { name: 'bridge', stop: bridge.stop },
    { name: 'members', stop: members.close },
    { name: 'notifier', stop: notifier.close },
    { name: 'log', stop: log.close },
  ]
  return Object.assign(member, {
    members: joined,
    held: shares.held,
    behind: () =>
      shares
        .progress()
        .filter(({ next, end }) => next < end)
        .map(({ name, partition }) => `${name}/${partition}`),
    stop: () => stopAll(parts, clock, bug),
  })
}

/** The planted bug: each part is waited for, however long that takes. */
async function stopAll(parts: Part[], clock: Clock, bug: Bug | undefined): Promise<void> {
  if (bug !== 'stop-waits-for-log') await stopInOrder(parts, { clock, log: silentLog })
  else for (const { stop } of parts) await stop()
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

/** The planted bug: what another bridge has to append is receipted without waiting for it. */
function trusting(log: Log & { board: Board }, ownsNode: (node: string) => boolean): Log {
  return {
    ...log,
    async append(topic, partition, records) {
      const own = records.filter(({ key }) => !key.includes('/') || ownsNode(key))
      return own.length > 0 ? log.append(topic, partition, own) : 0
    },
  }
}

/** What planted bugs make of membership; with the control it is wrong all the time in all that two may work on. */
function believed(members: Members, bug: Bug | undefined): Members {
  if (bug === 'sends-unsure') return { ...members, isSure: () => true }
  if (bug === 'takes-too-soon') return { ...members, mayTakeAlone: () => true }
  if (bug !== 'all-work') return members
  return {
    ...members,
    live: (role) => (role === 'notifier' ? members.live(role) : [members.self]),
    isHeldElsewhere: (share) => share.startsWith('notifier') && members.isHeldElsewhere(share),
  }
}

/** The worst of each role. */
function lagOf(progress: { name: string; lagMs: number }[]): Record<string, number> {
  const lags: Record<string, number> = {}
  for (const { name, lagMs } of progress) lags[name] = Math.max(lags[name] ?? 0, lagMs)
  return lags
}
