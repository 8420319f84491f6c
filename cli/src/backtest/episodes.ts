/** Alarms as episodes, from the changes that an engine makes: one for each id, from its raising to its clearing. */
import { isOrder, notificationKey } from '@millrace/alarms'
import type { AlarmRecord } from '@millrace/contract'

export interface Episode {
  id: string
  rule: string
  subject: string
  device: string
  channel: string
  text: string
  /** `told`: people are told of it. `held`: suppressed, shelved or out of service all the time. `late`: made from late data. */
  kind: 'told' | 'held' | 'late'
  raisedMs: number
  /** Undefined: still active at the end. */
  clearedMs?: number
  /** Time of the processor when people were told. */
  toldMs?: number
}

interface When {
  nowMs: number
  isBefore: boolean
}

export class Episodes {
  /** By id. One that began before the stretch is not among them. */
  private readonly known = new Map<string, Episode | undefined>()

  take(alarm: AlarmRecord, { nowMs, isBefore }: When): void {
    if (isOrder(alarm)) return
    if (!this.known.has(alarm.id)) this.known.set(alarm.id, isBefore ? undefined : begun(alarm))
    const episode = this.known.get(alarm.id)
    if (!episode) return
    if (notificationKey(alarm, false) !== undefined && episode.kind !== 'told') {
      episode.kind = 'told'
      episode.toldMs = nowMs
    }
    if (!alarm.active) episode.clearedMs = alarm.clearedMs ?? alarm.atMs
  }

  all(): Episode[] {
    return [...this.known.values()].filter((one) => one !== undefined)
  }
}

function begun({ id, rule, subject, device, channel, text, raisedMs, retrospective }: AlarmRecord): Episode {
  return { id, rule, subject, device, channel, text, kind: retrospective ? 'late' : 'held', raisedMs }
}
