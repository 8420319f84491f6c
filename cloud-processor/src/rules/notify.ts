/**
 * Tells people. Alarm changes are read from the alarms topic into a durable outbox (`outbox.ts`) and leave it at least once,
 * under a key that stays the same; a repeat follows only a lost answer or a kill between sending and marking.
 *
 * This is the one place of the alarm path that looks at the clock. A raised alarm older than `pageAgeMaxMs` waits until
 * the processor has caught up, and is then told of only if it is still active: nobody is paged with the past. The end of
 * an alarm is told at any age to whoever was told of its beginning, and to nobody else.
 */
import { topics } from '@millrace/contract'
import type { Clock, Log as Logger, Metrics } from '@millrace/platform'
import type { Log } from '../log/log.ts'
import { nextTurn, pause, type RunnerOptions, runSink, type SinkRun } from '../stage/index.ts'
import type { NotifierConfig } from './config.ts'
import { createNotifier } from './notifiers/index.ts'
import { type NotificationView, type Outbox, openOutbox, type Taken } from './outbox.ts'
import { type Sender, startSender } from './sender.ts'
import { createSettled } from './settled.ts'

export interface NotifierContext {
  log: Log
  clock: Clock
  logger: Logger
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

/** Caught up means: this little behind, for this long. */
const lagMsMax = 1000
const caughtUpForMs = 2000
const readLimit: Pick<RunnerOptions, 'stepRecords' | 'stepBytes'> = { stepRecords: 500, stepBytes: 1 << 20 }
/** Taken in one transaction, and one turn of the event loop. */
const takeRecords = 250

/** @throws MillraceError NOTIFY_OUTBOX_NEWER */
export async function openNotifier(config: NotifierConfig & { path: string }, around: NotifierContext): Promise<NotifierRun> {
  const { log, clock, logger, metrics } = around
  const targets = config.to.map(({ name }) => name)
  const outbox = openOutbox({ ...config, targets }, logger, clock.now())
  const outcomes = metrics.counter('millrace_notifications_total', 'Notifications by receiver and outcome')
  metrics.gauge('millrace_notifications_pending', 'Notifications that wait to be sent', () => outbox.pending())

  // Outlives each turn of sending: what the log refused during one is still to be told, or the next sender repeats it.
  const settled = createSettled(log, clock, logger)
  let senders: Sender[] = []
  const readers = Array.from({ length: log.partitions }, (_, partition) =>
    runSink(
      {
        name: 'notifier',
        topic: topics.alarms,
        partition,
        position: () => startAt(log, partition, outbox, logger),
        async write(records) {
          for (let from = 0; from < records.length; from += takeRecords) {
            if (from > 0) await nextTurn(clock)
            taken(outbox.take(log.id, partition, records.slice(from, from + takeRecords)))
          }
          return []
        },
        holdsLog: true,
      },
      readLimit,
      around,
    ),
  )
  const isCaughtUp = createCaughtUp(clock, () => Math.max(around.lagMs(), ...readers.map((reader) => reader.progress().lagMs)))

  function taken({ evicted, alarms }: Taken): void {
    if (evicted > 0) {
      outcomes.add({ outcome: 'evicted' }, evicted)
      logger.error('notifications given up: too many wait', { evicted, queueMax: config.queueMax })
    }
    for (const sender of senders) sender.taken(alarms)
  }

  async function startSenders(stopping: AbortSignal): Promise<void> {
    // What another process has sent is in the topic: nothing is sent before all of it was read.
    await caughtUpWith(log, readers, clock, stopping)
    if (stopping.aborted) return
    senders = config.to.map((target) => {
      const notifier = createNotifier(target, { target: target.name, clock, log: logger })
      const count = (outcome: string) => outcomes.add({ target: target.name, outcome })
      const isSure = around.isSure ?? (() => true)
      return startSender({ target: target.name, notifier, outbox, config, clock, logger, isCaughtUp, isSure, settled, count })
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
async function startAt(log: Log, partition: number, outbox: Outbox, logger: Logger): Promise<number> {
  const { start } = await log.bounds(topics.alarms, partition)
  const next = outbox.position(log.id, partition)
  if (next !== undefined && next < start) {
    logger.error('alarm changes were trimmed before they were notified', { partition, from: next, to: start - 1 })
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
