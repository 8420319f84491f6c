/**
 * A receiver that takes nothing for `failingAfterMs` is an alarm itself, which reaches people by the other receivers and the page. It is in
 * the alarms topic as any other is, without a source position, and ends when the receiver takes something again: whichever process
 * finds that, for the outbox knows which alarms are active.
 */
import { type AlarmRecord, type AlarmTopicRecord, encodeJson, topics } from '@millrace/contract'
import type { Log as Logger } from '@millrace/platform'
import type { Log } from '../log/log.ts'
import type { Outbox } from './outbox.ts'

const subject = 'millrace'
const rule = 'notifier-down'

export class Supervision {
  readonly #log: Log
  readonly #outbox: Outbox
  readonly #logger: Logger
  /** By receiver: since when its alarm says that it fails; undefined: it answers. Not in it: not known since the start. */
  readonly #failing = new Map<string, number | undefined>()

  constructor(log: Log, outbox: Outbox, logger: Logger) {
    this.#log = log
    this.#outbox = outbox
    this.#logger = logger
  }

  failing(target: string, sinceMs: number, error: string): void {
    if (this.#failing.get(target) !== undefined) return
    this.#failing.set(target, this.#active(target)[0] ?? sinceMs)
    if (this.#failing.get(target) === sinceMs) this.#append(target, alarmOf(target, sinceMs, error))
  }

  answers(target: string, nowMs: number): void {
    if (this.#failing.has(target) && this.#failing.get(target) === undefined) return
    const known = this.#failing.get(target)
    this.#failing.set(target, undefined)
    for (const sinceMs of new Set([...this.#active(target), ...(known === undefined ? [] : [known])])) {
      const raised = alarmOf(target, sinceMs)
      const atMs = Math.max(nowMs, sinceMs)
      // Nobody has to acknowledge that it answers.
      this.#append(target, { ...raised, change: 'cleared', active: false, acknowledged: true, atMs, clearedMs: atMs })
    }
  }

  #active(target: string): number[] {
    const prefix = `${rule}/${subject}/${target}/`
    return this.#outbox.activeWith(prefix).map((id) => Number(id.slice(prefix.length)))
  }

  #append(target: string, alarm: AlarmRecord): void {
    const records: AlarmTopicRecord[] = [alarm, { f: 1, k: 'notification', key: `${alarm.id}#${alarm.change}`, alarm }]
    const partition = this.#log.partitionOf(subject)
    const made = records.map((record) => ({ key: subject, value: encodeJson(record) }))
    this.#log.append(topics.alarms, partition, made).catch((error) => {
      this.#logger.warn('the log does not take the alarm of a receiver; tried again', { target, error })
      this.#failing.delete(target)
    })
  }
}

function alarmOf(target: string, sinceMs: number, error?: string): AlarmRecord {
  const why = error === undefined ? '' : ` (${error.slice(0, 200)})`
  return {
    ...({ f: 1, k: 'alarm', id: `${rule}/${subject}/${target}/${sinceMs}`, rule, subject, device: subject } as const),
    ...({ channel: target, priority: 'high', change: 'raised', active: true, acknowledged: false } as const),
    ...{ retrospective: false, technical: true, atMs: sinceMs, raisedMs: sinceMs },
    text: `The receiver ${target} takes no notifications since ${new Date(sinceMs).toISOString()}${why}`,
  }
}
