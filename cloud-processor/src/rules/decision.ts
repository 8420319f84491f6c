/** Whether a notification is sent now, later, or not at all. */
import type { NotificationState } from './outbox.ts'
import type { SenderState } from './sender-state.ts'
import type { Entry } from './waiting.ts'

/** `send`, `later`, or why not at all. */
export function decide(
  { target, outbox, config, clock }: SenderState,
  entry: Entry,
  isCaughtUp: boolean,
): 'send' | 'later' | string {
  const { alarm, isEnd, atMs } = entry
  if (isEnd) return decideEnd(outbox.stateOf(`${alarm}#raised`, target))
  if (clock.now() - atMs <= config.pageAgeMaxMs) return 'send'
  if (!isCaughtUp) return 'later'
  return outbox.isActive(alarm) ? 'send' : 'older than pageAgeMaxMs and over'
}

function decideEnd(beginning: NotificationState | undefined): 'send' | 'later' | string {
  if (beginning === 'pending') return 'later'
  return beginning === 'sent' ? 'send' : 'its beginning was not told'
}
