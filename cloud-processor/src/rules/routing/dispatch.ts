/**
 * Makes messages of what waits in groups, and reminders of what stays active, while this process sends. A message is written before it is
 * sent, with its members, so that a kill repeats it as it was.
 */
import type { Clock, Log as Logger } from '@millrace/platform'
import { nextTurn } from '../../stage/index.ts'
import type { Outbox } from '../outbox.ts'
import type { MuteTimes } from './config.ts'
import { Grouping } from './grouping.ts'
import { type Judged, judge } from './judgement.ts'
import type { Waiting } from './members.ts'
import { isMuted } from './mute.ts'
import { remindersOf } from './reminders.ts'
import type { Routes } from './routes.ts'

export interface DispatchContext {
  outbox: Outbox
  routes: Routes
  messagesPerMinute: number
  pageAgeMaxMs: number
  clock: Clock
  logger: Logger
  isCaughtUp(): boolean
  isLeaseHeld(): boolean
  /** There is more to send. */
  made(): void
}

const lookAgainMs = 200
const remindEveryMs = 1000
const readRows = 500

export class Dispatch {
  readonly #context: DispatchContext
  readonly #grouping: Grouping
  #readTo = 0
  /** They cannot be judged yet: it is behind, or their beginning is in flight. */
  #kept: Waiting[] = []
  #remindedMs = Number.NEGATIVE_INFINITY
  #isStopping = false
  #wake = () => {}
  readonly #running: Promise<void>

  constructor(context: DispatchContext) {
    const { outbox, clock } = context
    this.#context = context
    this.#grouping = new Grouping({
      ...context,
      isMuted: ({ mute }) => mute.some((times: MuteTimes) => isMuted(times, clock.now())),
      messagesWaiting: (target) => outbox.members.messagesWaiting(target),
    })
    this.#running = this.#run()
  }

  /** More was taken from the topic. */
  wake(): void {
    this.#wake()
  }

  /** Members of a message wait in their groups again. */
  readAgain(): void {
    this.#grouping.clear()
    this.#kept = []
    this.#readTo = 0
    this.#wake()
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    this.#wake()
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock, logger, isLeaseHeld } = this.#context
    while (!this.#isStopping) {
      try {
        if (isLeaseHeld()) await this.turn()
      } catch (error) {
        logger.error('the notification outbox failed, tried again', { error })
        this.readAgain()
      }
      await new Promise<void>((resolve) => {
        const cancel = clock.after(lookAgainMs, resolve)
        this.#wake = () => {
          cancel()
          resolve()
        }
        if (this.#isStopping) this.#wake()
      })
      this.#wake = () => {}
    }
  }

  /** What is due now. */
  async turn(): Promise<void> {
    const { clock, outbox } = this.#context
    this.#remind()
    if (this.#context.isCaughtUp()) for (const one of this.#kept.splice(0)) this.#grouping.add(one, clock.monotonic())
    while (this.#read()) await nextTurn(clock)
    for (const { target, seqs } of this.#grouping.due(clock.monotonic())) {
      const { keep, ...judged } = this.#judge(target, seqs)
      if (outbox.bundle(target, judged, clock.now())) this.#grouping.sent(target, clock.monotonic())
      this.#kept.push(...keep.map(({ where }) => where))
      await nextTurn(clock)
      this.#context.made()
    }
  }

  /** True when there may be more. */
  #read(): boolean {
    const rows = this.#context.outbox.members.waiting(this.#readTo, readRows)
    for (const row of rows) this.#grouping.add(row, this.#context.clock.monotonic())
    this.#readTo = rows.at(-1)?.seq ?? this.#readTo
    return rows.length === readRows
  }

  #judge(target: string, seqs: number[]): Judged {
    const { outbox, clock, pageAgeMaxMs, isCaughtUp } = this.#context
    return judge(outbox.members.read(seqs.toSorted((a, b) => a - b)), {
      ...{ nowMs: clock.now(), pageAgeMaxMs, isCaughtUp: isCaughtUp() },
      open: (alarm) => outbox.openAlarms.get(alarm),
      told: (alarm) => outbox.told(alarm, target),
    })
  }

  #remind(): void {
    const { outbox, routes, clock, isCaughtUp } = this.#context
    if (clock.monotonic() - this.#remindedMs < remindEveryMs || !isCaughtUp()) return
    this.#remindedMs = clock.monotonic()
    const nowMs = clock.now()
    for (const open of outbox.openAlarms.all()) {
      if ((open.nextMs ?? nowMs) > nowMs) continue
      const firstMs = outbox.members.firstToldMs(open.alarm.id) ?? open.alarm.raisedMs
      const reminders = remindersOf(open, routes, firstMs, nowMs)
      if (reminders.length > 0) outbox.remind(reminders, nowMs)
    }
  }
}
