/** What goes into groups, and how many wait in them. */
import type { NotificationRecord, SettledRecord } from '@millrace/contract'
import type { Notification } from '../notifiers/notifier.ts'
import type { Judged } from './judgement.ts'
import { type Members, urgencyOf } from './members.ts'
import type { OpenAlarms } from './open-alarms.ts'
import type { Reminder } from './reminders.ts'
import { type CompiledRoute, groupOf, type Routes } from './routes.ts'

export class Grouped {
  readonly #members: Members
  readonly #open: OpenAlarms
  count = 0

  constructor(members: Members, open: OpenAlarms) {
    this.#members = members
    this.#open = open
  }

  insert(record: NotificationRecord, routes: Routes): void {
    const { alarm } = record
    for (const route of routes.of(alarm)) {
      const also = alarm.active ? [] : this.#members.targetsOf(alarm.id)
      for (const target of new Set([...route.to, ...also])) this.#add(record, target, route)
    }
  }

  remind(reminders: Reminder[], nowMs: number): void {
    for (const { key, reason, alarm, to, route } of reminders)
      for (const target of to) this.#add({ f: 1, k: 'notification', key, alarm, reason, madeMs: nowMs }, target, route)
  }

  #add(record: Notification & { madeMs?: number }, target: string, route: CompiledRoute): void {
    const where = { target, route: route.id, group: groupOf(route, record.alarm) }
    if (this.#members.insert(record, urgencyOf(record.alarm), where)) this.count++
  }

  /** Another process has told of it, perhaps before this one made it. @returns the message that is over by that */
  settle({ key, target, state, atMs }: SettledRecord): number | undefined {
    this.count -= this.#members.settle({ key, target, state, atMs })
    const [, id] = /^(.*)#(?:repeated|escalated)@[\d.]+$/s.exec(key) ?? []
    const alarm = id === undefined ? undefined : this.#open.get(id)?.alarm
    if (alarm) this.#members.insertSettled({ f: 1, k: 'notification', key, alarm }, target, state)
    return this.#members.settleBundled({ key, target, state, atMs })
  }

  /** @returns the message, where there is something to send */
  bundle(target: string, { send, withhold }: Pick<Judged, 'send' | 'withhold'>, nowMs: number) {
    for (const { member, why } of withhold) this.#members.withhold(member.seq, why)
    this.count -= withhold.length + send.length
    return send.length === 0 ? undefined : this.#members.bundle(send, target, nowMs)
  }

  evict(): { device: string; alarm: string } {
    this.count--
    return this.#members.evict()
  }

  recount(): number {
    this.count = this.#members.count()
    return this.count
  }
}
