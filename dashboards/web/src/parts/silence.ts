import type { DeviceView } from '@millrace/cloud-processor/web'
import { reasonText } from '../format.ts'

/** Why nothing is being drawn, in words, over the hatched ground that means `no data` everywhere. */
export function silenceOf({ state, absences }: Omit<DeviceView, 'last'>, channel: string | undefined): string {
  const absence = absences.find((open) => open.channel === '*' || open.channel === channel)
  if (absence) return reasonText(absence.reason)
  return { online: '', stale: 'No data', offline: 'Offline' }[state]
}
