/** State in words with a shape beside them; colour only underlines what they say. */
import type { DeviceView } from '@millrace/cloud-processor/web'
import type { AlarmRecord } from '@millrace/contract'
import { isImported } from '../channels.ts'
import { ageText, channelText, correctionText, reasonText } from '../format.ts'
import { link } from '../live/link.ts'
import { nowSecond } from '../live/time.ts'
import { Icon } from './icons.tsx'

const stateWords = { online: 'Online', offline: 'Offline', stale: 'No data' }

export function StateBadge({ view }: { view: Omit<DeviceView, 'last'> }) {
  if (isImported(view)) return <span class="state">Imported</span>
  return (
    <span
      class={`state state-${link.value.state === 'lost' ? 'unknown' : view.state}`}
      title={view.reason && reasonText(view.reason)}
    >
      <i class="dot" aria-hidden="true" />
      {link.value.state === 'lost' && view.state === 'online' ? 'Unknown' : stateWords[view.state]}
    </span>
  )
}

export function QualityBadges({ view }: { view: Omit<DeviceView, 'last'> }) {
  const now = nowSecond.value
  return (
    <>
      {view.clock && (
        <span class="badge" title={correctionText(view.clock)}>
          clock corrected
          <span class="soft"> {correctionText(view.clock)}</span>
        </span>
      )}
      {view.absences.map((absence) => (
        <span class="badge" key={absence.channel}>
          <Icon name="off" size={13} />
          {reasonText(absence.reason)}
          {absence.channel !== '*' && ` · ${channelText(absence.channel)}`}
          <span class="soft"> {ageText(now - absence.fromMs)}</span>
        </span>
      ))}
    </>
  )
}

export const priorityWords = { high: 'High', medium: 'Medium', low: 'Low' }

export function AlarmLine({ alarm }: { alarm: AlarmRecord }) {
  return (
    <span class={`alarm-line priority-${alarm.priority} ${alarm.active ? '' : 'settled'}`}>
      <Icon name={alarm.priority} />
      <span>
        <b>{priorityWords[alarm.priority]}</b> {alarm.text}
        {!alarm.active && ' (over)'}
        {alarm.acknowledged && (
          <span class="soft">
            {' '}
            <Icon name="check" size={12} /> {alarm.by}
          </span>
        )}
      </span>
    </span>
  )
}
