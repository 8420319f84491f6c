/**
 * When what waits in groups is told. A group's first message waits `waitMs` for more, a further one comes `intervalMs` after the last.
 * What is urgent goes at once, or `urgentGapMs` after the last message to the same receiver, and takes all of its group with it.
 * A receiver gets `messagesPerMinute`: half of them are kept for what is urgent, and where they would not do all groups are one message.
 * What is urgent goes also where none is left: it is never late by more than `urgentGapMs`.
 *
 * What is known here is derived from the file; times are monotonic.
 */

import type { Waiting } from './members.ts'
import type { CompiledRoute, Routes } from './routes.ts'

/** Below the 2 s in which a person is to know of what is urgent. */
const urgentGapMs = 1500
const minuteMs = 60_000
/** A receiver that takes nothing gets no more of them: what comes is collected, to be told in one. */
const messagesWaitingMax = 2

export interface Flush {
  target: string
  seqs: number[]
}

export interface GroupingOptions {
  routes: Routes
  messagesPerMinute: number
  isMuted(route: CompiledRoute): boolean
  /** Messages that wait for the receiver. */
  messagesWaiting(target: string): number
}

interface Group {
  route: string
  members: Set<number>
  /** Of the first member. */
  sinceMs: number
  /** Of the first urgent one. */
  urgentMs: number
  /** Of the last message. */
  lastMs: number
}

interface Receiver {
  groups: Map<string, Group>
  sentMs: number[]
}

export class Grouping {
  readonly #options: GroupingOptions
  #receivers = new Map<string, Receiver>()

  constructor(options: GroupingOptions) {
    this.#options = options
  }

  add({ seq, target, route, group: name, urgency }: Waiting, nowMs: number): void {
    const receiver = this.#receivers.get(target) ?? { groups: new Map(), sentMs: [] }
    this.#receivers.set(target, receiver)
    const key = `${route}\n${name}`
    const known = receiver.groups.get(key)
    const group = known ?? { route, members: new Set(), sinceMs: nowMs, urgentMs: Infinity, lastMs: -Infinity }
    receiver.groups.set(key, group)
    if (group.members.size === 0) group.sinceMs = nowMs
    group.members.add(seq)
    if (urgency === 0) group.urgentMs = Math.min(group.urgentMs, nowMs)
  }

  /** What waits is read from the file again; when messages were sent stays known. */
  clear(): void {
    for (const { groups } of this.#receivers.values()) for (const group of groups.values()) empty(group)
  }

  /** The messages to be made now. */
  due(nowMs: number): Flush[] {
    return [...this.#receivers].flatMap(([target, receiver]) => this.#dueOf(target, receiver, nowMs))
  }

  #dueOf(target: string, receiver: Receiver, nowMs: number): Flush[] {
    const { routes, isMuted, messagesPerMinute, messagesWaiting } = this.#options
    receiver.sentMs = receiver.sentMs.filter((ms) => ms > nowMs - minuteMs)
    forgetEmpty(receiver, nowMs)
    const groups = [...receiver.groups.values()].filter(({ members, route }) => members.size > 0 && !isMuted(routes.byId(route)))
    const urgent = groups.filter((group) => isUrgent(group, receiver, nowMs))
    const due = groups.filter((group) => urgent.includes(group) || this.#isDue(group, nowMs))
    const left = messagesPerMinute - receiver.sentMs.length - (urgent.length > 0 ? 0 : Math.floor(messagesPerMinute / 2))
    if (due.length === 0 || (urgent.length === 0 && left <= 0) || messagesWaiting(target) >= messagesWaitingMax) return []
    const messages = due.length > left ? [groups] : due.map((group) => [group])
    return messages.map((together) => ({ target, seqs: together.flatMap((group) => takeAll(group, nowMs)) }))
  }

  #isDue({ route, sinceMs, lastMs }: Group, nowMs: number): boolean {
    const { waitMs, intervalMs } = this.#options.routes.byId(route)
    return nowMs >= Math.max(sinceMs + waitMs, lastMs + intervalMs)
  }

  /** A message was made. */
  sent(target: string, nowMs: number): void {
    this.#receivers.get(target)!.sentMs.push(nowMs)
  }
}

function isUrgent({ urgentMs }: Group, { sentMs }: Receiver, nowMs: number): boolean {
  return nowMs >= Math.max(urgentMs, (sentMs.at(-1) ?? -Infinity) + urgentGapMs)
}

function takeAll(group: Group, nowMs: number): number[] {
  const seqs = [...group.members]
  empty(group)
  group.lastMs = nowMs
  return seqs
}

function empty(group: Group): void {
  group.members.clear()
  group.urgentMs = Infinity
}

/** A group that nothing came to for an hour begins as a new one does. */
function forgetEmpty({ groups }: Receiver, nowMs: number): void {
  for (const [key, { members, lastMs }] of groups) if (members.size === 0 && nowMs - lastMs > 3_600_000) groups.delete(key)
}
