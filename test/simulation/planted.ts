/** The planted bugs of processors: the parts of the real processor, one of them wrapped. */
import type { Log } from '@millrace/cloud-processor/log'
import type { Members, Role } from '@millrace/cloud-processor/members'
import type { Parts } from '@millrace/cloud-processor/parts'
import type { PrepareState } from '@millrace/cloud-processor/prepare'
import type { Stage } from '@millrace/cloud-processor/stage'
import type { Bug } from './bugs.ts'

type BridgeContext = Parameters<Parts['startBridge']>[1]

export function plantedParts(bug: Bug | undefined, parts: Parts): Parts {
  switch (bug) {
    case 'receipt-before-append':
      return withBridge(parts, (context) => ({ ...context, log: hasty(context.log) }))
    case 'trusts-the-other':
      return withBridge(parts, (context) => ({ ...context, log: trusting(context.log, context.ownsNode!), ownsNode: () => true }))
    case 'no-deduplication':
      return { ...parts, createPrepareStage: (...given) => forgetful(parts.createPrepareStage(...given)) }
    case 'sends-unsure':
      return { ...parts, openNotifier: (config, context) => parts.openNotifier(config, { ...context, isLeaseHeld: () => true }) }
    case 'takes-too-soon':
      return withMembers(parts, (members) => ({ ...members, mayTakeAlone: () => true }))
    case 'all-work':
      return withMembers(parts, workOnAll)
    case 'store-not-exclusive':
      return withSharedStore(parts)
    case 'stop-waits-for-log':
      return { ...parts, stopInOrder: stopAll }
    default:
      return parts
  }
}

/** The rules are behind all the time. */
export function withBusyRules(parts: Parts, lagMs: number): Parts {
  return withBridge(parts, (context) => ({ ...context, lagMs: () => Math.max(lagMs, context.lagMs()) }))
}

function withBridge(parts: Parts, change: (context: BridgeContext) => BridgeContext): Parts {
  return { ...parts, startBridge: (config, context) => parts.startBridge(config, change(context)) }
}

function withMembers(parts: Parts, change: (members: Members) => Members): Parts {
  return { ...parts, joinMembers: (...given) => change(parts.joinMembers(...given)) }
}

/** An append is said to be durable before it is. */
function hasty(log: Log): Log {
  return {
    ...log,
    async append(topic, partition, records) {
      log.append(topic, partition, records).catch(() => {})
      return 0
    },
  }
}

/** What another bridge has to append is receipted without waiting for it. */
function trusting(log: Log, ownsNode: (node: string) => boolean): Log {
  return {
    ...log,
    async append(topic, partition, records) {
      const own = records.filter(({ key }) => !key.includes('/') || ownsNode(key))
      return own.length > 0 ? log.append(topic, partition, own) : 0
    },
  }
}

/** No number was ever seen. */
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

export const isExclusive = (role: string) => role === 'notifier' || role === 'store'

/** The control: wrong all the time in all that two may work on. */
function workOnAll(members: Members): Members {
  return {
    ...members,
    live: (role) => (isExclusive(role) ? members.live(role) : [members.self]),
    isHeldElsewhere: (assignment) => isExclusive(assignment.split('/')[0]!) && members.isHeldElsewhere(assignment),
  }
}

/** The store is handed over like the stages, and written without a lease; the notifier keeps its own. */
function withSharedStore(parts: Parts): Parts {
  const inclusive = (role: Role): Role => (role.name === 'store' ? { ...role, isExclusive: false } : role)
  let real: Members
  return {
    ...parts,
    joinMembers(...given) {
      real = parts.joinMembers(...given)
      return { ...real, isLeaseHeld: () => true }
    },
    openNotifier: (config, context) => parts.openNotifier(config, { ...context, isLeaseHeld: () => real.isLeaseHeld() }),
    keepAssignments(clock) {
      const assignments = parts.keepAssignments(clock)
      return { ...assignments, follow: (members, roles) => assignments.follow(members, roles.map(inclusive)) }
    },
  }
}

/** Each part is waited for, however long that takes. */
async function stopAll(inOrder: Parameters<Parts['stopInOrder']>[0]): Promise<string[]> {
  for (const { stop } of inOrder) await stop()
  return []
}
