/** Chooses what is sent next (a suspect alone, a probe, live, backlog), loads it and sends it. */
import type { Counter, Log, Metrics } from '@millrace/platform'
import type { Content, Entry, Lane } from '../outbox/index.ts'
import type { SendContext } from './context.ts'
import { Poison } from './poison.ts'
import type { Session } from './session.ts'
import { Silence } from './silence.ts'
import { offsetOf, withAbsences } from './stamped.ts'
import { backlogEntries, type Chosen, liveEntries } from './window.ts'

export interface SenderContext extends SendContext {
  /** Of the present connection. */
  session(): Session | undefined
  log: Log
  metrics: Metrics
}

/** Before a batch is sent after the outbox could not be read. */
const readRetryMs = 1000

export class Sender {
  readonly sent: Counter
  readonly resent: Counter
  private readonly poisoned: Counter
  private readonly context: SenderContext
  private readonly silence = new Silence()
  private readonly poison = new Poison()
  private isPumping = false
  private pumpAgain = false

  constructor(context: SenderContext) {
    const { metrics } = context
    this.context = context
    this.sent = metrics.counter('millrace_uplink_sent_total', 'Entries sent, by lane; sent again counts again')
    this.resent = metrics.counter('millrace_uplink_resent_total', 'Entries sent again')
    this.poisoned = metrics.counter('millrace_uplink_set_aside_total', 'Entries that nobody receipted')
  }

  /** Sends what may be sent. Called whenever that may have changed, and on the uplink's timer. */
  pump(): void {
    this.pumpAgain = true
    if (!this.isPumping) void this.run()
  }

  /** A receipt came, or the host is back. */
  revive(): void {
    this.silence.end()
  }

  private async run(): Promise<void> {
    this.isPumping = true
    while (this.pumpAgain) {
      this.pumpAgain = false
      while (await this.sendSome()) this.pumpAgain = false
    }
    this.isPumping = false
  }

  /** One load's worth of the first lane that has something; false when nothing may be sent. */
  private async sendSome(): Promise<boolean> {
    const session = this.context.session()
    const nowMs = this.context.clock.monotonic()
    if (!session?.areBirthsSent || !session.isWritable || this.context.host.isAway(nowMs)) return false
    this.silence.notice(this.context, nowMs)
    const failed = this.poison.judge(this.context)
    if (failed) await this.setAside(failed.entry, `no receipt after ${failed.sends} sendings, the last ones alone`)
    const chosen = this.choose(nowMs)
    return chosen.length > 0 && this.send(session, chosen)
  }

  private choose(nowMs: number): Chosen {
    if (this.poison.isOnTrial) return []
    const first = this.poison.alone(this.context, nowMs) ?? this.silence.probe(this.context, nowMs)
    if (first) return first
    const live = liveEntries(this.context)
    return live.length > 0 ? live : backlogEntries(this.context, nowMs)
  }

  private async send(session: Session, chosen: Chosen): Promise<boolean> {
    const { outbox, inFlight, clock, log } = this.context
    for (const { entry } of chosen) outbox.take(entry)
    const contents = await outbox.load(chosen.map(({ entry }) => entry)).catch((error: unknown) => {
      log.warn('cannot read the outbox', { error })
      return undefined
    })
    for (const { entry, lane } of chosen) {
      const content = contents?.get(entry)
      if (contents && !content) inFlight.forget(entry)
      else if (!content || this.context.session() !== session || !session.areBirthsSent)
        inFlight.postpone(entry, clock.monotonic() + (contents ? 0 : readRetryMs))
      else await this.sendOne(session, entry, content, lane)
    }
    return contents !== undefined
  }

  private async sendOne(session: Session, entry: Entry, content: Content, lane: Lane): Promise<void> {
    const { outbox, inFlight, options, clock, clocks } = this.context
    let bytes: number
    try {
      const sending = { historical: lane === 'backlog', clock: clocks && offsetOf(clocks, entry, content) }
      bytes = session.send(entry, withAbsences(clocks, entry, content), outbox.declaration(entry.declaration), sending)
    } catch (error) {
      return this.setAside(entry, `${error}`)
    }
    const { sends } = inFlight.sent(entry, { lane, bytes, sentMs: clock.monotonic() })
    this.sent.add({ lane })
    if (sends > 1) this.resent.add()
    if (options.receipts) return
    inFlight.forget(entry)
    outbox.release([entry])
  }

  private async setAside(entry: Entry, detail: string): Promise<void> {
    const { outbox, inFlight, log } = this.context
    const { stream, number, device } = entry
    this.poisoned.add()
    log.error('an entry of the outbox was set aside', { stream, number, device, detail })
    inFlight.forget(entry)
    await outbox.setAside(entry)
  }
}
