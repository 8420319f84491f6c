/**
 * Messages to the receivers on the site: each gets every one in order, at least once, under a key that stays the same. What a receiver does
 * not take is sent again after waits that double; one that refuses it is not sent it again.
 */
import { backOffMs, type Clock, type Counter, type Log, type Metrics, MillraceError } from '@millrace/platform'
import type { RulesConfig } from './config.ts'
import type { Untold } from './memory.ts'
import { createLocalNotifier, type LocalNotifier } from './notifiers/index.ts'

/** Past it the oldest is given up. */
const untoldMax = 1000
const retryMsMin = 500

interface Receiver {
  name: string
  notifier: LocalNotifier
  failures: number
  isBusy: boolean
  cancelRetry(): void
}

export interface MessagesContext {
  clock: Clock
  log: Log
  metrics: Metrics
  /** Alarms that are active now. */
  activeCount(): number
}

export class Messages {
  /** Something was told or given up since this was last set to false: what is untold is to be kept again. */
  isChanged = false
  readonly #config: RulesConfig
  readonly #context: MessagesContext
  readonly #receivers: Receiver[]
  readonly #outcomes: Counter
  readonly #stopping = new AbortController()
  #untold: Untold[]

  constructor(config: RulesConfig, untold: Untold[], context: MessagesContext) {
    this.#config = config
    this.#context = context
    this.#receivers = config.to.map((to) => ({
      ...{ name: to.name, notifier: createLocalNotifier(to) },
      ...{ failures: 0, isBusy: false, cancelRetry: () => {} },
    }))
    const names = new Set(config.to.map(({ name }) => name))
    this.#untold = untold
      .map((one) => ({ ...one, to: one.to.filter((name) => names.has(name)) }))
      .filter(({ to }) => to.length > 0)
    this.#outcomes = context.metrics.counter('millrace_local_notifications_total', 'Local messages by receiver and outcome')
    context.metrics.gauge(
      'millrace_local_notifications_pending',
      'Local messages that a receiver does not have yet',
      () => this.#untold.length,
    )
  }

  get untold(): readonly Untold[] {
    return this.#untold
  }

  get names(): string[] {
    return this.#receivers.map(({ name }) => name)
  }

  /** They are told at the next `tell`. */
  add(messages: Omit<Untold, 'to'>[]): void {
    if (this.#receivers.length === 0) return
    this.#untold.push(...messages.map((one) => ({ ...one, to: this.names })))
    const over = this.#untold.length - untoldMax
    if (over <= 0) return
    this.#untold.splice(0, over)
    this.#outcomes.add({ outcome: 'evicted' }, over)
    this.#context.log.error('local messages given up: too many wait', { evicted: over, untoldMax })
  }

  tell(): void {
    for (const receiver of this.#receivers) if (!receiver.isBusy) void this.#send(receiver)
  }

  stop(): void {
    this.#stopping.abort()
    for (const { cancelRetry } of this.#receivers) cancelRetry()
  }

  /** One after the other, until one fails. */
  async #send(receiver: Receiver): Promise<void> {
    receiver.isBusy = true
    for (let next = this.#next(receiver); next && !this.#stopping.signal.aborted; next = this.#next(receiver)) {
      const outcome = await this.#sendOne(receiver, next)
      if (this.#stopping.signal.aborted && outcome === 'failed') return
      this.#outcomes.add({ target: receiver.name, outcome })
      if (outcome === 'failed') return this.#retry(receiver)
      this.#done(receiver, next)
    }
    receiver.isBusy = false
  }

  #next({ name }: Receiver): Untold | undefined {
    return this.#untold.find(({ to }) => to.includes(name))
  }

  #done(receiver: Receiver, message: Untold): void {
    receiver.failures = 0
    message.to = message.to.filter((name) => name !== receiver.name)
    this.#untold = this.#untold.filter(({ to }) => to.length > 0)
    this.isChanged = true
  }

  #retry(receiver: Receiver): void {
    const waitMs = backOffMs(++receiver.failures, retryMsMin, this.#config.retryMsMax)
    receiver.cancelRetry = this.#context.clock.after(waitMs, () => void this.#send(receiver))
  }

  async #sendOne({ name, notifier, failures }: Receiver, message: Untold): Promise<'sent' | 'refused' | 'failed'> {
    const { clock, log, activeCount } = this.#context
    const { timeoutMs } = this.#config
    const timeout = new AbortController()
    const cancel = clock.after(timeoutMs, () => timeout.abort(new Error(`no answer in ${timeoutMs} ms`)))
    try {
      await notifier.send(message, activeCount(), AbortSignal.any([this.#stopping.signal, timeout.signal]))
      return 'sent'
    } catch (error) {
      const isRefused = error instanceof MillraceError && error.code === 'NOTIFY_REFUSED'
      if (isRefused || failures === 0) log.warn('a local receiver was not told', { receiver: name, key: message.key, error })
      return isRefused ? 'refused' : 'failed'
    } finally {
      cancel()
    }
  }
}
