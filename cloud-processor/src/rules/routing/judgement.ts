/** Whether what waits in a group is told now: nobody is paged with the past, nor with what somebody has taken care of. */
import { isHeld } from '@millrace/alarms'
import type { Member, Told } from './members.ts'
import type { OpenAlarm } from './open-alarms.ts'

export interface Judging {
  nowMs: number
  pageAgeMaxMs: number
  isCaughtUp: boolean
  open(alarm: string): OpenAlarm | undefined
  told(alarm: string): Told
}

export interface Judged {
  send: Member[]
  /** They wait on. */
  keep: Member[]
  withhold: { member: Member; why: string }[]
}

/** @param members in the order in which they came: the end of an alarm is told where its beginning is. */
export function judge(members: Member[], judging: Judging): Judged {
  const judged: Judged = { send: [], keep: [], withhold: [] }
  const beginnings = new Map<string, 'send' | 'keep'>()
  for (const member of members) {
    const { alarm } = member.notification
    const verdict = alarm.active ? beginning(member, judging) : end(alarm.id, beginnings.get(alarm.id), judging)
    if (verdict === 'send' || verdict === 'keep') {
      judged[verdict].push(member)
      if (alarm.active && beginnings.get(alarm.id) !== 'send') beginnings.set(alarm.id, verdict)
    } else judged.withhold.push({ member, why: verdict })
  }
  return judged
}

function end(alarm: string, beginning: 'send' | 'keep' | undefined, { told }: Judging): 'send' | 'keep' | string {
  if (beginning) return beginning
  const known = told(alarm)
  if (known === 'waits') return 'keep'
  return known === 'no' ? 'its beginning was not told' : 'send'
}

function beginning({ notification }: Member, judging: Judging): 'send' | 'keep' | string {
  const { alarm, reason, madeMs } = notification
  const known = judging.open(alarm.id)?.alarm
  if (known && isHeld(known)) return 'it is held back'
  const isAnswered = known?.acknowledged && reason !== 'repeated'
  if (isAnswered) return 'somebody has acknowledged it'
  const isFresh = judging.nowMs - (madeMs ?? alarm.atMs) <= judging.pageAgeMaxMs
  const isReminder = reason !== undefined || alarm.change === 're-alarmed'
  if (isReminder) return isFresh && known ? 'send' : 'a reminder of the past'
  if (isFresh) return 'send'
  if (!judging.isCaughtUp) return 'keep'
  return known ? 'send' : 'older than pageAgeMaxMs and over'
}
