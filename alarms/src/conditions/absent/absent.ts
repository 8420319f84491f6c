/** Raised when no good sample came for `afterMs`, counted from the last one's own time; cleared by the next one. */
import type { z } from 'zod'
import { durationMs, type Rule } from '../../rule.ts'
import type { SilenceCondition } from '../condition.ts'

const keys = { afterMs: durationMs(10_000, 'Silence counted from the last good sample’s own time.') }
type AbsentRule = Rule & z.infer<z.ZodObject<typeof keys>>

export const absent: SilenceCondition<AbsentRule> = {
  name: 'absent',
  description: 'raised when no good sample came for afterMs, cleared at the next good sample',
  watches: 'silence',
  keys,
  silentMs: ({ afterMs }) => afterMs,
  text: (_rule, { channel, seconds, reason }) => `No ${channel} for ${seconds} s${reason === undefined ? '' : ` (${reason})`}`,
}
