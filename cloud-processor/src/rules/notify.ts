/**
 * Tells people. Alarm changes are read from the alarms topic into a durable outbox (`outbox.ts`) and leave it at least once,
 * under a key that stays the same; a repeat follows only a lost answer or a kill between sending and marking.
 *
 * This is the one place of the alarm path that looks at the clock. A raised alarm older than `pageAgeMaxMs` waits until
 * the processor has caught up, and is then told of only if it is still active: nobody is paged with the past. The end of
 * an alarm is sent at any age to each receiver that got its beginning, and to no other.
 */
import { topics } from '@millrace/contract'
import type { Clock, Counter, Log as Logger, Metrics } from '@millrace/platform'
import type { Log, LogRecord } from '../log/log.ts'
import { nextTurn, pause, type RunnerOptions, runSink, type SinkOptions, type SinkRun } from '../stage/index.ts'
import type { NotifierConfig } from './config.ts'
import { createNotifier } from './notifiers/index.ts'
import { type Outbox, openOutbox } from './outbox.ts'
import type { NotificationView, Taken } from './outbox-rows.ts'
import { Dispatch } from './routing/dispatch.ts'
import { compileRoutes, type Routes } from './routing/routes.ts'
import { type Sender, startSender } from './sender.ts'
import { createSettled, type Settled } from './settled.ts'
import { Supervision } from './supervision.ts'

export interface NotifierContext {
  log: Log
  clock: Clock
  logger: Logger
  metrics: Metrics
  /** How far the rules are behind the log. */
  lagMs(): number
  /** False when another process may have taken over the sending: then nothing is sent. Absent: there is no other process. */
  isLeaseHeld?(): boolean
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
/** Devices that are named when theirs are given up. */
const namedMax = 10

/** @throws MillraceError NOTIFY_OUTBOX_NEWER */
export async function openNotifier(config: OpenConfig, context: NotifierContext): Promise<NotifierRun> {
  const notifications = new Notifications(config, context)
  return {
    list: (limit = 200) => notifications.list(limit),
    send: () => notifications.send(),
    close: () => notifications.close(),
  }
}

type OpenConfig = NotifierConfig & { path: string }

class Notifications {
  readonly #config: OpenConfig
  readonly #context: NotifierContext
  readonly #outbox: Outbox
  readonly #outcomes: Counter
  /** Outlives each turn of sending: what the log refused during one is still to be told, or the next sender repeats it. */
  readonly #settled: Settled
  readonly #supervision: Supervision
  readonly #readers: SinkRun[]
  readonly #isCaughtUp: () => boolean
  readonly #routes: Routes | undefined
  #senders: Sender[] = []
  #dispatch: Dispatch | undefined

  constructor(config: OpenConfig, context: NotifierContext) {
    const { log, clock, logger, metrics } = context
    this.#config = config
    this.#context = context
    this.#routes = config.route && compileRoutes(config.route, config.muteTimes)
    const targets = config.to.map(({ name }) => name)
    this.#outbox = openOutbox({ ...config, targets, routes: this.#routes }, logger, clock.now())
    this.#outcomes = metrics.counter('millrace_notifications_total', 'Notifications by receiver and outcome')
    this.#showPending(() => this.#outbox.pending())
    this.#settled = createSettled(log, clock, logger)
    this.#supervision = new Supervision(log, this.#outbox, logger)
    this.#readers = Array.from({ length: log.partitions }, (_, partition) => this.#read(partition))
    const lags = () => this.#readers.map((reader) => reader.progress().lagMs)
    this.#isCaughtUp = createCaughtUp(clock, () => Math.max(context.lagMs(), ...lags()))
  }

  #showPending(count: () => number): void {
    this.#context.metrics.gauge('millrace_notifications_pending', 'Notifications that wait to be sent', count)
  }

  #read(partition: number): SinkRun {
    const { log, logger } = this.#context
    const sink: SinkOptions = {
      name: 'notifier',
      topic: topics.alarms,
      partition,
      position: () => startAt(log, partition, this.#outbox, logger),
      write: (records) => this.#write(partition, records),
      holdsLog: true,
    }
    return runSink(sink, readLimit, this.#context)
  }

  async #write(partition: number, records: LogRecord[]): Promise<[]> {
    const { log, clock } = this.#context
    for (let from = 0; from < records.length; from += takeRecords) {
      if (from > 0) await nextTurn(clock)
      this.#taken(this.#outbox.take(log.id, partition, records.slice(from, from + takeRecords)))
    }
    return []
  }

  #taken({ evicted, alarms }: Taken): void {
    if (evicted.length > 0) {
      this.#outcomes.add({ outcome: 'evicted' }, evicted.length)
      const { queueMax } = this.#config
      const devices = [...new Set(evicted)].slice(0, namedMax)
      this.#context.logger.error('notifications given up: too many wait', { evicted: evicted.length, queueMax, devices })
    }
    for (const sender of this.#senders) sender.taken(alarms)
    this.#dispatch?.wake()
  }

  list(limit: number): NotificationView[] {
    return this.#outbox.list(limit)
  }

  send() {
    const stopping = new AbortController()
    const running = this.#sendUntil(stopping.signal)
    return {
      async stop() {
        stopping.abort()
        await running
      },
    }
  }

  async #sendUntil(stopping: AbortSignal): Promise<void> {
    const { log, clock } = this.#context
    // What another process has sent is in the topic: nothing is sent before all of it was read.
    await caughtUpWith(log, this.#readers, clock, stopping)
    if (stopping.aborted) return
    this.#senders = this.#config.to.map((target) => this.#startSender(target))
    if (this.#routes) this.#dispatch = this.#startDispatch(this.#routes)
    await new Promise((resolve) => stopping.addEventListener('abort', resolve, { once: true }))
    await this.#dispatch?.stop()
    this.#dispatch = undefined
    await Promise.all(this.#senders.map((sender) => sender.stop()))
    this.#senders = []
    await this.#settled.flush()
  }

  #startDispatch(routes: Routes): Dispatch {
    const { clock, logger, isLeaseHeld = () => true } = this.#context
    return new Dispatch({
      ...{ outbox: this.#outbox, routes, clock, logger, isLeaseHeld, isCaughtUp: this.#isCaughtUp },
      ...this.#config,
      made: () => {
        for (const sender of this.#senders) sender.taken([])
      },
    })
  }

  #startSender(target: OpenConfig['to'][number]): Sender {
    const { clock, logger, isLeaseHeld = () => true } = this.#context
    return startSender({
      target: target.name,
      notifier: createNotifier(target, { target: target.name, clock, log: logger, pageUrl: this.#config.pageUrl }),
      outbox: this.#outbox,
      config: this.#config,
      clock,
      logger,
      isCaughtUp: this.#isCaughtUp,
      isLeaseHeld,
      settled: this.#settled,
      supervision: this.#supervision,
      dissolve: ({ seq, attempts }) => {
        this.#outbox.dissolve(seq, attempts, 'it waited too long: what is still active is told in another message')
        this.#dispatch?.readAgain()
      },
      count: (outcome) => this.#outcomes.add({ target: target.name, outcome }),
    })
  }

  async close(): Promise<void> {
    await Promise.all(this.#readers.map((reader) => reader.stop()))
    await this.#settled.close()
    this.#showPending(() => 0)
    this.#outbox.close()
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

/** Where to go on reading; records that were removed before are reported as missed. */
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
