import type { Absence } from '@millrace/contract'
import { type Context, toTimeline } from './context.ts'

/** An absence is an open gap: it lasts until the channel's next reading. */
export function tellAbsences(context: Context, device: string, absences: Absence[] = []): void {
  for (const { channel, t, reason } of absences) {
    const where = channel === '*' ? {} : { channel }
    toTimeline(context, { f: 1, subject: device, device, k: 'gap', reason, fromMs: t, ...where })
  }
}
