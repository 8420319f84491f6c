/**
 * Tells people. Alarm changes are read from the alarms topic into a durable outbox (`outbox.ts`) and leave it at least once,
 * under a key that stays the same; a repeat follows only a lost answer or a kill between sending and marking.
 *
 * This is the one place of the alarm path that looks at the clock. A raised alarm older than `pageAgeMaxMs` waits until
 * the processor has caught up, and is then told of only if it is still active: nobody is paged with the past. The end of
 * an alarm is told at any age to whoever was told of its beginning, and to nobody else.
 */
import { type AlarmRecord, topics } from '@millrace/contract'
import type { Clock, Log as Lines, Metrics } from '@millrace/contract/service'
import { MillraceError } from '@millrace/contract/service'
import type { Log } from '../log/log.ts'
import { pause, type RunnerOptions, runSink, type SinkRun } from '../stage/index.ts'
import type { NotifierConfig } from './config.ts'
import { createNotifier } from './notifiers/index.ts'
import type { Notifier } from './notifiers/notifier.ts'
import { type Due, type NotificationState, type NotificationView, type Outbox, openOutbox } from './outbox.ts'
import { createSettled, type Settled } from './settled.ts'

export interface NotifierAround {
  log: Log
  clock: Clock
  lines: Lines
  metrics: Metrics
  /** How far the rules are behind the log. */
  lagMs(): number
  /** False when another process may be sending in this one's place: then nothing is sent. Absent: there is no other. */
  isSure?(): boolean
}

export interface NotifierRun {
  /** Newest first. */
  list(limit?: number): NotificationView[]
  /** Sends what is due until stopped. Of several processes on one log one sends; the others read along, ready to go on. */
  send(): { stop(): Promise<void> }
  close(): Promise<void>
}

const retryFirstMs = 500
/** How often what cannot be decided yet is looked at again. */
const lookAgainMs = 500
/** How long a sending under way may take when the processor stops. */
const stopGraceMs = 1000
/** Caught up means: this little behind, for this long. */
const lagMsMax = 1000
const caughtUpForMs = 2000
const readLimit: Pick<RunnerOptions, 'stepRecords' | 'stepBytes'> = { stepRecords: 500, stepBytes: 1 << 20 }

/** @throws MillraceError NOTIFY_OUTBOX_NEWER */
export async function openNotifier(config: NotifierConfig & { path: string }, around: NotifierAround): Promise<NotifierRun> {
  const { log, clock, lines, metrics } = around
  const targets = config.to.map(({ name }) => name)
  const outbox = openOutbox({ ...config, targets }, lines, clock.now())
  const outcomes = metrics.counter('millrace_notifications_total', 'Notifications by receiver and outcome')
  metrics.gauge('millrace_notifications_pending', 'Notifications that wait to be sent', () => outbox.pending())

  // Outlives each turn of sending: what the log refused during one is still to be told, or the next sender repeats it.
  const settled = createSettled(log, clock, lines)
  let senders: Sender[] = []
  const readers = Array.from({ length: log.partitions }, (_, partition) =>
    runSink(
      {
        name: 'notifier',
        topic: topics.alarms,
        partition,
        position: () => startAt(log, partition, outbox, lines),
        async write(records) {
          const evicted = outbox.take(log.id, partition, records)
          if (evicted > 0) {
            outcomes.add({ outcome: 'evicted' }, evicted)
            lines.error('notifications given up: too many wait', { evicted, queueMax: config.queueMax })
          }
          for (const sender of senders) sender.wake()
          return []
        },
        holdsLog: true,
      },
      readLimit,
      around,
    ),
  )
  const isCaughtUp = createCaughtUp(clock, () => Math.max(around.lagMs(), ...readers.map((reader) => reader.progress().lagMs)))

  async function startSenders(stopping: AbortSignal): Promise<void> {
    // What another process has sent is in the topic: nothing is sent before all of it was read.
    await caughtUpWith(log, readers, clock, stopping)
    if (stopping.aborted) return
    senders = config.to.map((target) => {
      const notifier = createNotifier(target, { target: target.name, clock, log: lines })
      const count = (outcome: string) => outcomes.add({ target: target.name, outcome })
      const isSure = around.isSure ?? (() => true)
      return startSender({ target: target.name, notifier, outbox, config, clock, lines, isCaughtUp, isSure, settled, count })
    })
    await new Promise((resolve) => stopping.addEventListener('abort', resolve, { once: true }))
    await Promise.all(senders.map((sender) => sender.stop()))
    senders = []
    await settled.flush()
  }

  return {
    list: (limit = 200) => outbox.list(limit),
    send() {
      const stopping = new AbortController()
      const running = startSenders(stopping.signal)
      return {
        async stop() {
          stopping.abort()
          await running
        },
      }
    },
    async close() {
      await Promise.all(readers.map((reader) => reader.stop()))
      await settled.close()
      metrics.gauge('millrace_notifications_pending', 'Notifications that wait to be sent', () => 0)
      outbox.close()
    },
  }
}

async function caughtUpWith(log: Log, readers: SinkRun[], clock: Clock, stopping: AbortSignal): Promise<void> {
  for (const [partition, reader] of readers.entries()) {
    while (!stopping.aborted) {
      const end = await log.bounds(topics.alarms, partition).then(
        (bounds) => bounds.end,
        () => Number.POSITIVE_INFINITY,
      )
      if (reader.progress().next >= end) break
      await pause(clock, 100, stopping)
    }
  }
}

/** Where to go on reading; what is no longer there was missed, and is said. */
async function startAt(log: Log, partition: number, outbox: Outbox, lines: Lines): Promise<number> {
  const { start } = await log.bounds(topics.alarms, partition)
  const next = outbox.position(log.id, partition)
  if (next !== undefined && next < start) {
    lines.error('alarm changes were trimmed before they were notified', { partition, from: next, to: start - 1 })
  }
  return Math.max(next ?? start, start)
}

function createCaughtUp(clock: Clock, lagMs: () => number): () => boolean {
  let sinceMs: number | undefined
  return () => {
    if (lagMs() > lagMsMax) sinceMs = undefined
    else sinceMs ??= clock.monotonic()
    return sinceMs !== undefined && clock.monotonic() - sinceMs >= caughtUpForMs
  }
}

// ---- one receiver --------------------------------------------------------------------------------------------------

interface Sender {
  wake(): void
  stop(): Promise<void>
}

interface Sending {
  target: string
  notifier: Notifier
  outbox: Outbox
  config: NotifierConfig
  clock: Clock
  lines: Lines
  isCaughtUp(): boolean
  isSure(): boolean
  settled: Settled
  count(outcome: string): void
  /** Sent, and not yet marked as sent. */
  unmarked?: Due & { sentMs: number }
}

/** One at a time, so that a receiver hears of an alarm's end after its beginning. */
function startSender(sending: Sending): Sender {
  const { target, outbox, clock, lines } = sending
  const stopping = new AbortController()
  let isStopping = false
  let wake = () => {}
  const wait = (ms: number) =>
    new Promise<void>((resolve) => {
      const cancel = clock.after(Math.min(60_000, Math.max(1, ms)), resolve)
      wake = () => {
        cancel()
        resolve()
      }
      if (isStopping) wake()
    })

  async function run(): Promise<void> {
    while (!isStopping) {
      try {
        markSent(sending)
        const due = sending.isSure() ? outbox.next(target, clock.now()) : undefined
        if (!sending.isSure()) await wait(lookAgainMs)
        else if (due) await handle(sending, due, stopping.signal)
        else await wait((outbox.nextMs(target) ?? Infinity) - clock.now())
      } catch (error) {
        lines.error('the notification outbox failed, tried again', { target, error })
        await wait(lookAgainMs)
      }
    }
  }

  const running = run()
  return {
    wake: () => wake(),
    async stop() {
      isStopping = true
      wake()
      // What is on its way may arrive: cutting it off would repeat it at the next start.
      const cancel = clock.after(stopGraceMs, () => stopping.abort())
      await running
      cancel()
      markSent(sending)
    },
  }
}

/** Marks what has been sent; until that succeeds nothing further is sent, or a full disk would repeat it for ever. */
function markSent(sending: Sending): void {
  const { unmarked, outbox } = sending
  if (!unmarked) return
  outbox.settle(unmarked.seq, 'sent', unmarked.sentMs)
  sending.settled.tell(unmarked.notification, sending.target, 'sent')
  delete sending.unmarked
}

async function handle(sending: Sending, due: Due, stopping: AbortSignal): Promise<void> {
  const { target, outbox, clock, count } = sending
  const decision = decide(sending, due.notification.alarm)
  if (decision === 'send') return deliver(sending, due, stopping)
  if (decision === 'later') return outbox.defer(due.seq, clock.now() + lookAgainMs, due.attempts)
  outbox.settle(due.seq, 'withheld', undefined, decision)
  sending.settled.tell(due.notification, target, 'withheld')
  count('withheld')
  sending.lines.info('notification withheld', { target, key: due.notification.key, why: decision })
}

/** `send`, `later`, or why not at all. */
function decide({ target, outbox, config, clock, isCaughtUp }: Sending, alarm: AlarmRecord): 'send' | 'later' | string {
  if (!alarm.active) return decideEnd(outbox.stateOf(`${alarm.id}#raised`, target))
  if (clock.now() - alarm.atMs <= config.pageAgeMaxMs) return 'send'
  if (!isCaughtUp()) return 'later'
  return outbox.isActive(alarm.id) ? 'send' : 'older than pageAgeMaxMs and over'
}

function decideEnd(beginning: NotificationState | undefined): 'send' | 'later' | string {
  if (beginning === 'pending') return 'later'
  return beginning === 'sent' ? 'send' : 'its beginning was not told'
}

async function deliver(sending: Sending, due: Due, stopping: AbortSignal): Promise<void> {
  const { seq, notification, attempts } = due
  const { target, notifier, outbox, config, clock, lines, count } = sending
  const timeout = new AbortController()
  const cancel = clock.after(config.timeoutMs, () => timeout.abort(new Error(`no answer in ${config.timeoutMs} ms`)))
  try {
    await notifier.send(notification, AbortSignal.any([stopping, timeout.signal]))
    sending.unmarked = { ...due, sentMs: clock.now() }
    count('sent')
  } catch (error) {
    if (stopping.aborted) return
    const text = error instanceof Error ? error.message : `${error}`
    if (error instanceof MillraceError && !error.retry) {
      outbox.settle(seq, 'refused', undefined, text)
      sending.settled.tell(notification, target, 'refused')
      count('refused')
      lines.error('notification refused', { target, key: notification.key, error })
      return
    }
    const waitMs = Math.min(config.retryMsMax, retryFirstMs * 2 ** Math.min(attempts, 20))
    outbox.defer(seq, clock.now() + waitMs, attempts + 1, text)
    count('failed')
    lines.warn('notification failed, sent again later', { target, key: notification.key, waitMs, error })
  } finally {
    cancel()
  }
}
