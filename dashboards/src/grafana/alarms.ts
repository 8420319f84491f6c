/** Alarms and whom they were told to. The documents are the record; the processes say what waits. */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { columns, deviceColumn, isAcknowledged, isActive, priorityColumn, time } from './columns.ts'
import { all, choice, dashboard, documentVariable, withRows } from './dashboard.ts'
import { uids } from './links.ts'
import { rate, told } from './names.ts'
import { bars, half, lines, number, states, table, tile } from './panels.ts'
import { counts, documents, field, series, single } from './queries.ts'
import type { Sources } from './sources.ts'
import { yesOrNo } from './states.ts'

const chosen = (kind: 'alarms' | 'alarm-states' | 'notifications') =>
  `${field(kind, 'device', '$device')} AND ${field(kind, 'priority', '$priority')}`
const open = `${chosen('alarm-states')} AND ${field('alarm-states', 'open', 'true')}`
const raised = `${chosen('alarms')} AND ${field('alarms', 'change', 'raised')}`
const inState = (name: string) => field('notifications', 'state', name)

export function alarmsDashboard(sources: Sources): Dashboard {
  const about = 'Open alarms, what was raised, and whether people were told.'
  const devices = documentVariable(sources, 'device', 'alarms', 'device').label('Device')
  const priorities = choice('priority', ['high', 'medium', 'low']).label('Priority')
  return withRows(
    dashboard({ uid: uids.alarms, title: 'Alarms', about, from: 'now-7d' })
      .withVariable(devices.multi(true).includeAll(true).allValue('*').current(all))
      .withVariable(priorities.multi(true).includeAll(true).allValue('*').current(all)),
    {
      '': [...alarmNumbers(sources), ...processNumbers(sources), openAlarms(sources)],
      'What was raised': raisedPanels(sources),
      'Whom people were told': [...notificationPanels(sources), ...processPanels(sources)],
    },
  )
}

const alarmNumbers = (sources: Sources) => [
  number({ title: 'Open', about: 'Active, or not yet acknowledged.', ...tile }, counts(sources, 'alarm-states', open, []), {
    worse: [1, 5],
    sums: true,
  }),
  number(
    { title: 'Open and high', about: 'Of these, of high priority.', ...tile },
    counts(sources, 'alarm-states', `${open} AND ${field('alarm-states', 'priority', 'high')}`, []),
    { worse: [1], sums: true },
  ),
  number({ title: 'Raised', about: 'In the time shown.', ...tile }, counts(sources, 'alarms', raised, []), { sums: true }),
]

const processNumbers = ({ processes }: Sources) => [
  number(
    { title: 'Active now', about: 'As the rules have it, summed over processors.', ...tile },
    single(processes, `sum(${told('millrace_alarms_open')})`),
    { worse: [1, 5] },
  ),
  number(
    { title: 'Notifications that wait', about: 'A receiver does not take them.', ...tile },
    single(processes, `sum(${told('millrace_notifications_pending')})`),
    { worse: [1, 10] },
  ),
  number(
    { title: 'Rules behind', about: 'How old the newest record is that the rules took while more wait.', ...tile, unit: 'ms' },
    single(processes, `max(${told('millrace_stage_lag_ms', { stage: '="rules"' })})`),
    { worse: [1000, 10_000] },
  ),
]

const openAlarms = (sources: Sources) =>
  table(
    { title: 'Open alarms', about: 'A click on the device opens it at the time shown.', w: 24, h: 10 },
    [documents(sources, 'alarm-states', open)],
    [
      ...[priorityColumn, deviceColumn, ...columns('subject', 'channel', 'text', 'value', 'unit')],
      ...[{ of: 'raisedMs', title: 'Raised', unit: 'dateTimeAsIso' }, isActive, isAcknowledged],
    ],
  )

const raisedPanels = (sources: Sources) => [
  bars({ title: 'Raised by priority', about: 'Number of alarms.', w: 14, h: 9 }, [
    counts(sources, 'alarms', raised, ['priority']),
  ]),
  table(
    { title: 'By rule and device', about: 'What alarms most, to find limits that are set too tight.', w: 10, h: 9 },
    [counts(sources, 'alarms', raised, ['rule', 'device'], false)],
    [{ of: 'rule' }, deviceColumn, { of: 'Count', title: 'Alarms' }],
  ),
  table(
    { title: 'Changes', about: 'Raised, acknowledged and cleared; who, and what was said with it.', w: 24, h: 9 },
    [documents(sources, 'alarms', chosen('alarms'))],
    [time, { of: 'change' }, priorityColumn, deviceColumn, ...columns('text', 'by', 'note')],
  ),
]

const notificationPanels = (sources: Sources) => [
  bars({ title: 'Notifications by state', about: 'Due, sent, withheld or refused, of all devices.', w: 8, h: 9 }, [
    counts(sources, 'notifications', '*', ['state']),
  ]),
  table(
    { title: 'Notifications that were due', about: 'A repeat has the same key.', w: 8, h: 9 },
    [documents(sources, 'notifications', `${chosen('notifications')} AND ${inState('due')}`)],
    [time, priorityColumn, deviceColumn, ...columns('text', 'key')],
  ),
  table(
    { title: 'What became of them', about: 'Of all devices: what a receiver answered, by the key.', w: 8, h: 9 },
    [documents(sources, 'notifications', ['sent', 'withheld', 'refused'].map(inState).join(' OR '))],
    [time, ...columns('state', 'target', 'change', 'key')],
  ),
]

const processPanels = ({ processes }: Sources) => [
  lines({ title: 'Outcomes', about: 'Notifications a minute, by receiver and outcome.', ...half, unit: 'cpm' }, [
    series(processes, `60 * ${rate('millrace_notifications_total', ['target', 'outcome'])}`, '{{target}} {{outcome}}'),
  ]),
  lines({ title: 'What the rules could not use', about: 'Since the log began, by why: late, bad or out of order.', ...half }, [
    series(processes, `sum by (why) (${told('millrace_rules_unjudged')})`, '{{why}}'),
  ]),
  states(
    { title: 'Bridge has its broker', about: 'Without one no reading comes, and no alarm.', w: 24, h: 4 },
    [series(processes, told('millrace_bridge_connected'), '{{instance}}')],
    yesOrNo('connected', 'no connection'),
  ),
]
