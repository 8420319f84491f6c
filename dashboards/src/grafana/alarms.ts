/** Alarms and whom they were told to. The documents are the record; the processes say what waits. */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { all, choice, dashboard, documentVariable, row } from './dashboard.ts'
import { toDevice, uids } from './links.ts'
import { told } from './names.ts'
import { bars, lines, number, states, table } from './panels.ts'
import { counts, documents, field, series, single } from './queries.ts'
import type { Sources } from './sources.ts'
import { priority, truth, yesOrNo } from './states.ts'

const chosen = (kind: 'alarms' | 'alarm-states' | 'notifications') =>
  `${field(kind, 'device', '$device')} AND ${field(kind, 'priority', '$priority')}`

export function alarmsDashboard(sources: Sources): Dashboard {
  const { processes } = sources
  const small = { w: 4, h: 4 }
  const open = `${chosen('alarm-states')} AND ${field('alarm-states', 'open', 'true')}`
  const raised = `${chosen('alarms')} AND ${field('alarms', 'change', 'raised')}`
  const state = (name: string) => field('notifications', 'state', name)
  return dashboard(uids.alarms, 'Alarms', 'Open alarms, what was raised, and whether people were told.', 'now-7d')
    .withVariable(
      documentVariable(sources, 'device', 'alarms', 'device')
        .label('Device')
        .multi(true)
        .includeAll(true)
        .allValue('*')
        .current(all),
    )
    .withVariable(
      choice('priority', ['high', 'medium', 'low']).label('Priority').multi(true).includeAll(true).allValue('*').current(all),
    )
    .withPanel(
      number({ title: 'Open', about: 'Active, or not yet acknowledged.', ...small }, counts(sources, 'alarm-states', open, []), {
        worse: [1, 5],
        sums: true,
      }),
    )
    .withPanel(
      number(
        { title: 'Open and high', about: 'Of these, of high priority.', ...small },
        counts(sources, 'alarm-states', `${open} AND ${field('alarm-states', 'priority', 'high')}`, []),
        { worse: [1], sums: true },
      ),
    )
    .withPanel(
      number({ title: 'Raised', about: 'In the time shown.', ...small }, counts(sources, 'alarms', raised, []), { sums: true }),
    )
    .withPanel(
      number(
        { title: 'Active now', about: 'As the rules have it, summed over processors.', ...small },
        single(processes, `sum(${told('millrace_alarms_open')})`),
        { worse: [1, 5] },
      ),
    )
    .withPanel(
      number(
        { title: 'Notifications that wait', about: 'A receiver does not take them.', ...small },
        single(processes, `sum(${told('millrace_notifications_pending')})`),
        { worse: [1, 10] },
      ),
    )
    .withPanel(
      number(
        {
          title: 'Rules behind',
          about: 'How old the newest record is that the rules took while more wait.',
          ...small,
          unit: 'ms',
        },
        single(processes, `max(${told('millrace_stage_lag_ms', { stage: '="rules"' })})`),
        { worse: [1000, 10_000] },
      ),
    )
    .withPanel(
      table(
        { title: 'Open alarms', about: 'A click on the device opens it at the time shown.', w: 24, h: 10 },
        [documents(sources, 'alarm-states', open)],
        [
          ...[{ of: 'priority', states: priority }, { of: 'device', link: toDevice }, { of: 'subject' }, { of: 'channel' }],
          ...[{ of: 'text' }, { of: 'value' }, { of: 'unit' }],
          ...[{ of: 'raisedMs', title: 'Raised', unit: 'dateTimeAsIso' }],
          ...[
            { of: 'active', states: truth },
            { of: 'acknowledged', states: truth },
          ],
        ],
      ),
    )
    .withRow(row('What was raised'))
    .withPanel(
      bars({ title: 'Raised by priority', about: 'Number of alarms.', w: 14, h: 9 }, [
        counts(sources, 'alarms', raised, ['priority']),
      ]),
    )
    .withPanel(
      table(
        { title: 'By rule and device', about: 'What alarms most, to find limits that are set too tight.', w: 10, h: 9 },
        [counts(sources, 'alarms', raised, ['rule', 'device'], false)],
        [{ of: 'rule' }, { of: 'device', link: toDevice }, { of: 'Count', title: 'Alarms' }],
      ),
    )
    .withPanel(
      table(
        { title: 'Changes', about: 'Raised, acknowledged and cleared; who, and what was said with it.', w: 24, h: 9 },
        [documents(sources, 'alarms', chosen('alarms'))],
        [
          ...[{ of: '@timestamp', title: 'Time' }, { of: 'change' }, { of: 'priority', states: priority }],
          ...[{ of: 'device', link: toDevice }, { of: 'text' }, { of: 'by' }, { of: 'note' }],
        ],
      ),
    )
    .withRow(row('Whom people were told'))
    .withPanel(
      bars({ title: 'Notifications by state', about: 'Due, sent, withheld or refused, of all devices.', w: 8, h: 9 }, [
        counts(sources, 'notifications', '*', ['state']),
      ]),
    )
    .withPanel(
      table(
        { title: 'Notifications that were due', about: 'A repeat has the same key.', w: 8, h: 9 },
        [documents(sources, 'notifications', `${chosen('notifications')} AND ${state('due')}`)],
        [
          ...[
            { of: '@timestamp', title: 'Time' },
            { of: 'priority', states: priority },
            { of: 'device', link: toDevice },
          ],
          ...[{ of: 'text' }, { of: 'key' }],
        ],
      ),
    )
    .withPanel(
      table(
        { title: 'What became of them', about: 'Of all devices: what a receiver answered, by the key.', w: 8, h: 9 },
        [documents(sources, 'notifications', ['sent', 'withheld', 'refused'].map(state).join(' OR '))],
        [{ of: '@timestamp', title: 'Time' }, { of: 'state' }, { of: 'target' }, { of: 'change' }, { of: 'key' }],
      ),
    )
    .withPanel(
      lines({ title: 'Outcomes', about: 'Notifications a minute, by receiver and outcome.', w: 12, h: 8, unit: 'cpm' }, [
        series(
          processes,
          `60 * sum by (target, outcome) (rate(${told('millrace_notifications_total')}[$__rate_interval]))`,
          '{{target}} {{outcome}}',
        ),
      ]),
    )
    .withPanel(
      lines(
        { title: 'What the rules could not use', about: 'Since the log began, by why: late, bad or out of order.', w: 12, h: 8 },
        [series(processes, `sum by (why) (${told('millrace_rules_unjudged')})`, '{{why}}')],
      ),
    )
    .withPanel(
      states(
        { title: 'Bridge has its broker', about: 'Without one no reading comes, and no alarm.', w: 24, h: 4 },
        [series(processes, told('millrace_bridge_connected'), '{{instance}}')],
        yesOrNo('connected', 'no connection'),
      ),
    )
    .build()
}
