import type { Absence } from '@millrace/contract'
import type { Taking } from './prepare.ts'

/** An absence is an open gap: it lasts until the channel's next reading. */
export function tellAbsences(taking: Taking, device: string, absences: Absence[] = []): void {
  for (const { channel, t, reason } of absences) {
    const where = channel === '*' ? {} : { channel }
    taking.out({ f: 1, subject: device, device, k: 'gap', reason, fromMs: t, ...where })
  }
}
