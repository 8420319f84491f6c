/** Whether a notification is sent now, later, or not at all. */
import type { Outbox } from './outbox.ts'
import type { SenderState } from './sender-state.ts'
import type { Entry } from './waiting.ts'

/** `send`, `later`, `dissolve` a message whose members are to be judged again, or why not at all. */
export function decide(
  { target, outbox, config, clock }: SenderState,
  entry: Entry,
  isCaughtUp: boolean,
): 'send' | 'later' | 'dissolve' | string {
  const { alarm, isEnd, isMessage, isReminder, atMs } = entry
  const isFresh = clock.now() - atMs <= config.pageAgeMaxMs
  if (isMessage) return isFresh ? 'send' : 'dissolve'
  if (isEnd) return decideEnd(outbox.told(alarm, target))
  if (isFresh) return 'send'
  if (isReminder) return 'a reminder of the past'
  if (!isCaughtUp) return 'later'
  return outbox.isActive(alarm) ? 'send' : 'older than pageAgeMaxMs and over'
}

/** Told also to who may know of the beginning: an alarm that never ends would be worse than an end without a beginning. */
function decideEnd(beginning: ReturnType<Outbox['told']>): 'send' | 'later' | string {
  if (beginning === 'waits') return 'later'
  return beginning === 'no' ? 'its beginning was not told' : 'send'
}
