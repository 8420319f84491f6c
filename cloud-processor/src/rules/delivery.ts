/** What is in flight to one receiver: how many at once, how a delivery ends, and what is known of the receiver by that. */
import { backOffMs, MillraceError } from '@millrace/platform'
import type { Notification } from './notifiers/notifier.ts'
import type { Decided, SenderState } from './sender-state.ts'
import type { Entry } from './waiting.ts'

const retryFirstMs = 500
/** So many failures in a row, and the receiver is down: then one is sent every `probeMs`. */
const failuresMax = 8
const probeMs = 1000

export function isDown({ failuresInARow }: SenderState): boolean {
  return failuresInARow >= failuresMax
}

export function slots(state: SenderState): number {
  return isDown(state) ? Math.min(2, state.config.inFlightMax) : state.config.inFlightMax
}

export function hasSlot(state: SenderState): boolean {
  const isTime = !isDown(state) || state.clock.monotonic() >= state.nextProbeMs
  return isTime && state.inFlight.size + state.starting.length < slots(state)
}

/** What fails again and again does not hold up the rest: half of the slots, or every second one, is for what did not fail yet. */
export function mayRetry(state: SenderState): boolean {
  const { inFlight, starting, waiting, wasRetry } = state
  const isTurnOfFresh = wasRetry && waiting.hasFresh()
  if (isTurnOfFresh && (isDown(state) || slots(state) === 1)) return false
  let retries = starting.filter(({ entry }) => entry.isRetry).length
  for (const { isRetry } of inFlight.keys()) if (isRetry) retries++
  return retries < Math.ceil(slots(state) / 2)
}

/** It is the next to be sent. */
export function chosen(state: SenderState, { isRetry }: Entry): void {
  state.wasRetry = isRetry
  if (isDown(state)) state.nextProbeMs = state.clock.monotonic() + probeMs
}

export function send(state: SenderState, entry: Entry, notification: Notification): void {
  const sending = deliver(state, entry, notification).then((decided) => {
    state.inFlight.delete(entry)
    if (decided) state.outcomes.push(decided)
    state.wake()
  })
  state.inFlight.set(entry, sending)
}

/** Undefined when it was cut off. */
async function deliver(state: SenderState, entry: Entry, notification: Notification): Promise<Decided | undefined> {
  const { notifier, config, clock, aborting } = state
  const { seq, attempts } = entry
  const timeout = new AbortController()
  const cancel = clock.after(config.timeoutMs, () => timeout.abort(new Error(`no answer in ${config.timeoutMs} ms`)))
  try {
    await notifier.send(notification, AbortSignal.any([aborting.signal, timeout.signal]))
    answered(state)
    return { seq, state: 'sent', attempts, sentMs: clock.now(), entry, notification }
  } catch (cause) {
    if (aborting.signal.aborted) return undefined
    return failed(state, { entry, notification, cause })
  } finally {
    cancel()
  }
}

function answered(state: SenderState): void {
  if (isDown(state)) state.waiting.retryAll(state.clock.monotonic())
  state.failuresInARow = 0
  state.failingSinceMs = undefined
  state.supervision.answers(state.target, state.clock.now())
}

function failed(state: SenderState, what: Pick<Decided, 'entry' | 'notification' | 'cause'>): Decided {
  const { clock, config } = state
  const { entry, cause } = what
  const error = cause instanceof Error ? cause.message : `${cause}`
  if (cause instanceof MillraceError && !cause.retry) {
    answered(state)
    return { ...what, seq: entry.seq, state: 'refused', attempts: entry.attempts, error }
  }
  state.failuresInARow++
  supervise(state, error)
  const waitMs = backOffMs(entry.attempts, retryFirstMs, config.retryMsMax)
  const again = { ...entry, isRetry: true, dueMs: clock.monotonic() + waitMs }
  return {
    ...what,
    entry: again,
    seq: entry.seq,
    state: 'pending',
    attempts: again.attempts,
    nextMs: clock.now() + waitMs,
    error,
  }
}

/** Waits are monotonic; the alarm has the time of the wall clock at which it was found. */
function supervise(state: SenderState, error: string): void {
  const { clock, config, target, supervision } = state
  const nowMs = clock.monotonic()
  state.failingSinceMs ??= nowMs
  if (nowMs - state.failingSinceMs >= config.failingAfterMs) supervision.failing(target, Math.round(clock.now()), error)
}
