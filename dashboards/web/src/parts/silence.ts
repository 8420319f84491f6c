import type { DeviceView } from '@millrace/cloud-processor/web'
import { isImported } from '../channels.ts'
import { reasonText } from '../format.ts'

/** Why nothing is being drawn, in words, over the hatched ground that means `no data` everywhere. */
export function silenceOf(view: Omit<DeviceView, 'last'>, channel: string | undefined): string {
  if (isImported(view)) return 'Imported'
  const { state, absences } = view
  const absence = absences.find((open) => open.channel === '*' || open.channel === channel)
  if (absence) return reasonText(absence.reason)
  return { online: '', stale: 'No data', offline: 'Offline' }[state]
}
