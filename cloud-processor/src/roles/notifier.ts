/** From alarms to people. One process sends, while it holds its lease; the others read along, ready to go on. */
import type { Role } from '../members/index.ts'
import type { NotifierRun } from '../rules/index.ts'
import type { Needs } from './context.ts'

export function openNotifier(context: Needs<'config' | 'parts' | 'outboxPath' | 'members' | 'lagMs'>): Promise<NotifierRun> {
  const { config, parts, outboxPath, members, lagMs } = context
  return parts.openNotifier({ ...config.notifier, path: outboxPath }, { ...context, lagMs, isLeaseHeld: members.isLeaseHeld })
}

export function notifierRole(notifier: NotifierRun): Role {
  return { name: 'notifier', partitions: 1, isExclusive: true, start: () => notifier.send() }
}
