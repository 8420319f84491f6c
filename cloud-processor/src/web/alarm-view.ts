/** Alarms by occurrence: those that want somebody (active or not acknowledged), and recent settled ones up to `alarmsMax`. */
import type { AlarmRecord, AlarmTopicRecord } from '@millrace/contract'

const rank = { high: 0, medium: 1, low: 2 }

export interface AlarmView {
  /** The alarm changes among the records, in order. */
  see(records: AlarmTopicRecord[]): AlarmRecord[]
  find(id: string): AlarmRecord | undefined
  /** `active`: what wants somebody, by priority, newest first. `all`: the rest after it. */
  list(state: 'active' | 'all'): AlarmRecord[]
}

export function createAlarmView(alarmsMax: number): AlarmView {
  const alarms = new Map<string, AlarmRecord>()
  return {
    see(records) {
      const changes = records.filter((record) => record.k === 'alarm')
      for (const alarm of changes) {
        alarms.delete(alarm.id)
        alarms.set(alarm.id, alarm)
      }
      evict(alarms, alarmsMax)
      return changes
    },
    find: (id) => alarms.get(id),
    list(state) {
      const all = [...alarms.values()]
      const open = all.filter(wantsSomebody).sort(byUrgency)
      return state === 'active' ? open : [...open, ...all.filter((a) => !wantsSomebody(a)).sort((a, b) => b.atMs - a.atMs)]
    },
  }
}

/** A retrospective alarm is a line in the record: it asks for nobody. */
function wantsSomebody(alarm: AlarmRecord): boolean {
  return !alarm.retrospective && (alarm.active || !alarm.acknowledged)
}

function byUrgency(a: AlarmRecord, b: AlarmRecord): number {
  return Number(b.active) - Number(a.active) || rank[a.priority] - rank[b.priority] || b.raisedMs - a.raisedMs
}

/** Settled ones go first, oldest change first; then, at worst, the oldest. */
function evict(alarms: Map<string, AlarmRecord>, alarmsMax: number): void {
  for (const settledOnly of [true, false]) {
    for (const [id, alarm] of alarms) {
      if (alarms.size <= alarmsMax) return
      if (!settledOnly || !wantsSomebody(alarm)) alarms.delete(id)
    }
  }
}
