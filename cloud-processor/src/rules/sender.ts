/**
 * Sends to one receiver. Several notifications are in flight at once, so that a slow receiver is not told of an alarm when it
 * is long over; the end of an alarm waits for what becomes of its beginning. What is to be written of them is written together.
 *
 * A turn reads, decides and writes a bounded number, then lets the process do other work: what waits may be thousands.
 */
import type { Clock } from '@millrace/platform'
import { nextTurn } from '../stage/index.ts'
import type { NotifierConfig } from './config.ts'
import { decide } from './decision.ts'
import { chosen, hasSlot, isDown, mayRetry, send, slots } from './delivery.ts'
import type { Notification } from './notifiers/notifier.ts'
import type { PendingRow } from './outbox-rows.ts'
import type { Decided, SenderContext, SenderState } from './sender-state.ts'
import { createWaiting, type Entry } from './waiting.ts'

export interface Sender {
  /** More was taken from the topic; of these alarms one no longer waits. */
  taken(alarms: string[]): void
  stop(): Promise<void>
}

/** How often it is looked whether the processor has caught up, and whether another may be sending. */
const lookAgainMs = 500
/** How long notifications in flight may take when the processor stops. */
const stopGraceMs = 6000
/** Read, or decided, in one turn: some milliseconds. */
const turnEntries = 250

export function startSender(context: SenderContext): Sender {
  const state: SenderState = {
    ...context,
    waiting: createWaiting(),
    readTo: 0,
    starting: [],
    inFlight: new Map(),
    outcomes: [],
    failuresInARow: 0,
    failingSinceMs: undefined,
    nextProbeMs: 0,
    wasRetry: false,
    isStopping: false,
    aborting: new AbortController(),
    wake() {},
  }
  const running = run(state)
  return {
    taken(alarms) {
      for (const alarm of alarms) state.waiting.releaseEnd(alarm)
      state.wake()
    },
    async stop() {
      state.isStopping = true
      state.wake()
      await running
      // What is in flight may arrive: cutting it off would repeat it at the next start.
      const cancel = state.clock.after(stopGraceMs, () => state.aborting.abort())
      await Promise.all(state.inFlight.values())
      cancel()
      record(state)
    },
  }
}

async function run(state: SenderState): Promise<void> {
  while (!state.isStopping) {
    try {
      record(state)
      if (!state.isLeaseHeld()) await wait(state, lookAgainMs)
      else if (read(state) || sendSome(state)) await nextTurn(state.clock)
      else await wait(state, idleMs(state))
    } catch (error) {
      state.logger.error('the notification outbox failed, tried again', { target: state.target, error })
      await wait(state, lookAgainMs)
    }
  }
}

function wait(state: SenderState, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const cancel = state.clock.after(Math.min(60_000, Math.max(1, ms)), resolve)
    state.wake = () => {
      state.wake = () => {}
      cancel()
      // A receiver that answers in the same turn must not keep the process in it.
      state.clock.after(0, resolve)
    }
    if (state.isStopping) state.wake()
  })
}

function idleMs(state: SenderState): number {
  const { waiting, clock, inFlight } = state
  if (inFlight.size >= slots(state)) return Number.POSITIVE_INFINITY
  const nowMs = clock.monotonic()
  const probeMs = isDown(state) ? Math.max(0, state.nextProbeMs - nowMs) : 0
  return Math.min(
    waiting.hasHeld() ? lookAgainMs : Number.POSITIVE_INFINITY,
    waiting.hasReady() && probeMs > 0 ? probeMs : Number.POSITIVE_INFINITY,
    Math.max(probeMs, waiting.pausedUntilMs() - nowMs),
  )
}

// ---- what waits ----------------------------------------------------------------------------------------------------

/** True when there may be more to read: nothing is sent before all of it is known, or the urgent would not be the first. */
function read(state: SenderState): boolean {
  const { outbox, target, waiting, clock, config } = state
  const rows = outbox.waiting(target, state.readTo, turnEntries)
  for (const row of rows) waiting.add(entryOf(row, config, clock))
  state.readTo = rows.at(-1)?.seq ?? state.readTo
  return rows.length === turnEntries
}

/** Waits no longer than a failure can make it, wherever the wall clock was when that was written. */
function entryOf({ nextMs, ...row }: PendingRow, { retryMsMax }: NotifierConfig, clock: Clock): Entry {
  const waitMs = Math.max(0, Math.min(nextMs - clock.now(), retryMsMax))
  return { ...row, isRetry: row.attempts > 0, dueMs: clock.monotonic() + waitMs }
}

/** True when there may be more to decide. */
function sendSome(state: SenderState): boolean {
  const isMore = decideSome(state)
  const starting = state.starting.splice(0)
  try {
    if (starting.length > 0) state.outbox.start(starting.map(({ entry }) => entry.seq))
  } catch (error) {
    for (const { entry } of starting) state.waiting.add(entry)
    throw error
  }
  for (const { entry, notification } of starting) send(state, { ...entry, attempts: entry.attempts + 1 }, notification)
  return isMore
}

function decideSome(state: SenderState): boolean {
  const isCaughtUp = state.isCaughtUp()
  if (isCaughtUp) state.waiting.releaseHeld()
  for (let left = turnEntries; left > 0; left--) {
    const entry = hasSlot(state) && state.waiting.next(state.clock.monotonic(), mayRetry(state))
    if (!entry) return state.outcomes.length > 0
    try {
      decideOne(state, entry, isCaughtUp)
    } catch (error) {
      state.waiting.add(entry)
      throw error
    }
  }
  return true
}

function decideOne(state: SenderState, entry: Entry, isCaughtUp: boolean): void {
  const { waiting, outbox } = state
  const decision = decide(state, entry, isCaughtUp)
  if (decision === 'later') return entry.isEnd ? waiting.holdEnd(entry) : waiting.hold(entry)
  if (decision === 'dissolve') return state.dissolve(entry)
  const notification = outbox.read(entry.seq)
  if (!notification) return waiting.releaseEnd(entry.alarm)
  if (decision === 'send') {
    chosen(state, entry)
    state.starting.push({ entry, notification })
    return
  }
  const { seq, attempts } = entry
  state.outcomes.push({ seq, state: 'withheld', attempts, error: decision, entry, notification })
}

// ---- what became of it ---------------------------------------------------------------------------------------------

/** Until this succeeds nothing further is sent, or a full disk would repeat the notification endlessly. */
function record(state: SenderState): void {
  if (state.outcomes.length === 0) return
  state.outbox.record(state.outcomes)
  for (const decided of state.outcomes.splice(0)) tell(state, decided)
}

function tell({ waiting, outbox, settled, target, count, logger }: SenderState, decided: Decided): void {
  const { entry, notification, state, error: why, cause: error } = decided
  const { key } = notification
  count(state === 'pending' ? 'failed' : state)
  if (state === 'pending') {
    waiting.add(entry)
    logger.warn('notification failed, sent again later', { target, key, attempts: entry.attempts, error })
    return
  }
  for (const about of aboutOf(outbox, entry.seq, notification)) settled.tell(about, target, state)
  waiting.releaseEnd(entry.alarm)
  if (state === 'withheld') logger.info('notification withheld', { target, key, why })
  if (state === 'refused') logger.error('notification refused', { target, key, error })
}

/** Of a message what became of each that it is about is told. */
function aboutOf(
  outbox: SenderState['outbox'],
  seq: number,
  { key, alarm, count }: Notification,
): { key: string; subject: string }[] {
  return count === undefined ? [{ key, subject: alarm.subject }] : outbox.members.keysOf(seq)
}
