/**
 * Calls that wait for the disk. One group is in flight at a time; what comes in between waits and goes together in the next. A
 * failed transaction rejects the calls of its group and changes nothing.
 */
import type { Topic } from '@millrace/contract'
import { type Clock, type Counter, type Log as Logger, type Metrics, MillraceError } from '@millrace/platform'
import { type Call, type Formed, formGroup, type State } from './group.ts'
import type { Totals } from './protocol.ts'
import type { Tail } from './tail.ts'
import type { openWriter } from './workers.ts'

/** Longer than the bridge pauses between two reads; what it adds to the way of an alarm. */
const outputsLingerMs = 15
/** So much does not linger: a stage that catches up must not be slowed. */
const outputBytesMax = 64 * 1024

export interface CommitContext {
  writer: Awaited<ReturnType<typeof openWriter>>
  state: State
  tail: Tail
  clock: Clock
  logger: Logger
  metrics: Metrics
  /** Bytes that may wait. */
  bytesMax: number
  /** Records became durable and can be read. */
  onDurable(topic: Topic, partition: number, end: number): void
}

export class CommitQueue {
  readonly #context: CommitContext
  readonly #commits: Counter
  readonly #records: Counter
  readonly #calls: Call[] = []
  readonly #whenEmpty: (() => void)[] = []
  #closed: MillraceError | undefined
  #isInFlight = false
  #isScheduled = false
  /** Somebody waits for the answer: an agent for its receipt, a stage that begins or ends. */
  #isUrgent = false
  #cancelLinger: (() => void) | undefined
  /** Of the calls that wait or are in flight. */
  bytes = 0

  constructor(context: CommitContext) {
    const { metrics } = context
    this.#context = context
    this.#commits = metrics.counter('millrace_log_commits_total', 'Transactions of the embedded log, by result')
    this.#records = metrics.counter('millrace_log_records_total', 'Records made durable, by topic')
    metrics.gauge('millrace_log_queue_bytes', 'Bytes that wait for the disk', () => this.bytes)
  }

  /** Set once the log no longer takes calls. */
  get closed(): MillraceError | undefined {
    return this.#closed
  }

  /** Makes a call and resolves with its answer when it is durable. @throws MillraceError LOG_BUSY, LOG_WRITE, LOG_CLOSED */
  call<T>(make: (done: (value: T) => void, fail: (error: Error) => void) => Call): Promise<T> {
    return new Promise((resolve, reject) => this.#add(make(resolve, reject)))
  }

  /** Resolves when everything that was called before has its answer. */
  emptied(): Promise<void> {
    if (this.#calls.length === 0 && !this.#isInFlight) return Promise.resolve()
    this.#isUrgent = true
    this.#schedule()
    return new Promise((resolve) => this.#whenEmpty.push(resolve))
  }

  /** Calls that wait, and all from now on, get the error. */
  close(error: MillraceError): void {
    this.#closed = error
    for (const call of this.#calls.splice(0)) call.fail(error)
  }

  #add(call: Call): void {
    const { bytesMax } = this.#context
    if (this.#closed) return call.fail(this.#closed)
    if (this.bytes + call.bytes > bytesMax && this.bytes > 0) return call.fail(new MillraceError('LOG_BUSY', { bytesMax }))
    this.bytes += call.bytes
    this.#calls.push(call)
    this.#isUrgent ||= call.k !== 'commit' || call.step.snapshot !== undefined
    this.#schedule()
  }

  /**
   * At the end of this turn of the loop, so that all its calls share one message and one transaction. Outputs of stages alone
   * linger for the next append, which under load takes them along: that halves the transactions.
   */
  #schedule(): void {
    if (this.#isInFlight || this.#calls.length === 0) return
    if (this.#isUrgent || this.bytes >= outputBytesMax) {
      this.#endLinger()
      this.#writeSoon()
    } else this.#cancelLinger ??= this.#context.clock.after(outputsLingerMs, () => this.#writeSoon())
  }

  #endLinger(): void {
    this.#cancelLinger?.()
    this.#cancelLinger = undefined
  }

  #writeSoon(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      void this.#writeGroup()
    })
  }

  async #writeGroup(): Promise<void> {
    if (this.#closed || this.#calls.length === 0) return
    this.#endLinger()
    const { writer, state, clock } = this.#context
    const formed = formGroup(this.#calls, state, clock.now())
    this.#isUrgent = this.#calls.length > 0
    this.#isInFlight = true
    const written = await writer.write(formed.group)
    this.#isInFlight = false
    for (const { bytes } of formed.calls) this.bytes -= bytes
    if (written instanceof MillraceError) this.#refuse(formed, written)
    else this.#publish(formed, written)
    this.#schedule()
    if (this.#calls.length === 0) for (const call of this.#whenEmpty.splice(0)) call()
  }

  #refuse({ calls }: Formed, error: MillraceError): void {
    this.#commits.add({ result: error.code })
    this.#context.logger.error('log could not write; the calls are refused', { error, calls: calls.length })
    for (const call of calls) call.fail(error)
  }

  #publish(formed: Formed, totals: Totals): void {
    const { state, tail, onDurable } = this.#context
    formed.apply(totals)
    this.#commits.add({ result: 'ok' })
    const ends = new Map<number, number>()
    for (const block of formed.tail) {
      tail.add(block)
      ends.set(block.slot, block.first + block.count)
      this.#records.add({ topic: state.slots[block.slot]!.topic }, block.count)
    }
    formed.calls.forEach((call, k) => {
      call.done(formed.firsts[k]!)
    })
    for (const [slot, end] of ends) onDurable(state.slots[slot]!.topic as Topic, state.slots[slot]!.partition, end)
  }
}
