/** Whether a notification is sent now, later, or not at all. */
import type { Outbox } from './outbox.ts'
import type { SenderState } from './sender-state.ts'
import type { Entry } from './waiting.ts'

/** `send`, `later`, or why not at all. */
export function decide(
  { target, outbox, config, clock }: SenderState,
  entry: Entry,
  isCaughtUp: boolean,
): 'send' | 'later' | string {
  const { alarm, isEnd, atMs } = entry
  if (isEnd) return decideEnd(outbox.isTold(`${alarm}#raised`, target))
  if (clock.now() - atMs <= config.pageAgeMaxMs) return 'send'
  if (!isCaughtUp) return 'later'
  return outbox.isActive(alarm) ? 'send' : 'older than pageAgeMaxMs and over'
}

/** Told also to who may know of the beginning: an alarm that never ends would be worse than an end without a beginning. */
function decideEnd(beginning: ReturnType<Outbox['isTold']>): 'send' | 'later' | string {
  if (beginning === 'waits') return 'later'
  return beginning === 'no' ? 'its beginning was not told' : 'send'
}
