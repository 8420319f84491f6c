/** What people read: a subject, and a text of the alarms of a message, the most urgent first. */
import type { AlarmRecord } from '@millrace/contract'
import type { Notification } from './notifier.ts'

const linesMax = 20

export function subjectOf({ alarm, alarms = [], count = 1, reason }: Notification): string {
  const again = reason === 'escalated' ? 'Not acknowledged: ' : reason === 'repeated' ? 'Still: ' : ''
  if (count === 1) return `${again}${stateOf(alarm)} ${alarm.subject}: ${alarm.text}`
  const over = alarms.filter((one) => !one.alarm.active).length
  return `${count} alarms${over > 0 ? ', some of them over' : ''}, the first ${stateOf(alarm)} ${alarm.subject}: ${alarm.text}`
}

export function textOf({ key, alarm, alarms = [{ key, alarm }], count = 1 }: Notification, pageUrl: string | undefined): string {
  const named = alarms.slice(0, linesMax)
  const left = count - named.length
  return [
    ...named.map((one) => lineOf(one.alarm)),
    ...(left > 0 ? [`and ${left} more`] : []),
    ...(pageUrl === undefined ? [] : ['', alarmsPage(pageUrl)]),
  ].join('\n')
}

export function alarmsPage(pageUrl: string): string {
  return `${pageUrl.replace(/\/$/, '')}/#/alarms`
}

function lineOf(alarm: AlarmRecord): string {
  const { device, subject, text, raisedMs, clearedMs, value, unit, note } = alarm
  const measured = value === undefined ? '' : `, last ${value}${unit && unit !== '1' ? ` ${unit}` : ''}`
  const times = `since ${new Date(raisedMs).toISOString()}${clearedMs === undefined ? '' : `, over since ${new Date(clearedMs).toISOString()}`}`
  return `${stateOf(alarm)} ${subject}: ${text}${measured} (${device}, ${times})${note === undefined ? '' : `: ${note}`}`
}

function stateOf({ active, priority }: AlarmRecord): string {
  return active ? `[${priority}]` : '[over]'
}
