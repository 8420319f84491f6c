/**
 * The one that writes: gathers what waits, has it planned as one transaction, commits it, and only then changes the state.
 *
 * What the disk refuses goes back to what waits and is tried again, later and later. A file that turns out to be damaged is
 * replaced, with what of it is whole, see `recover.ts`.
 */
import { backOffMs, type Clock, type Counter, type Log, type Metrics, MillraceError } from '@millrace/platform'
import type { Plan } from './draft.ts'
import { unfold } from './load.ts'
import type { OutboxOptions } from './options.ts'
import type { Page } from './page.ts'
import { planTransaction } from './plan.ts'
import { keys } from './records.ts'
import { compareFile, takeOver } from './recover.ts'
import { emptyNext, forget, forgetPage, type State } from './state.ts'
import { type Committed, isEmpty, type OutboxStorage } from './storage.ts'
import type { Work } from './work.ts'

export interface WriterContext {
  storage: OutboxStorage
  options: OutboxOptions
  clock: Clock
  log: Log
  metrics: Metrics
  /** Entries became durable. */
  onEntries(): void
}

const retryMsMin = 500
const retryMsMax = 10_000

export class Writer {
  lastError: string | undefined
  private readonly state: State
  private readonly context: WriterContext
  private readonly committed: Counter
  private readonly evicted: Counter
  private readonly refusals: Counter
  private readonly written: Counter
  private writtenBytes = 0
  private writing: Promise<boolean> | undefined
  private following: Promise<boolean> | undefined
  private freeBytes = Number.POSITIVE_INFINITY
  private isDamaged = false
  private isClosing = false
  private isClosed = false
  private failures = 0
  private cancelRetry = () => {}

  constructor(state: State, context: WriterContext) {
    const { metrics } = context
    this.state = state
    this.context = context
    this.committed = metrics.counter('millrace_outbox_readings_committed_total', 'Readings made durable')
    this.evicted = metrics.counter('millrace_outbox_readings_evicted_total', 'Readings evicted at a bound')
    this.written = metrics.counter(
      'millrace_outbox_written_bytes_total',
      'Bytes written to the disk for the outbox; over the readings committed it is the wear of each',
    )
    this.refusals = metrics.counter('millrace_outbox_storage_failures_total', 'Transactions that the disk refused, by code')
  }

  /** The disk refused the last transaction; it will be tried again without being asked. */
  get isFailing(): boolean {
    return this.failures > 0
  }

  /** The outbox's bound. A disk that others filled lowers it, and does not take the last of the outbox. */
  bytesMax(): number {
    const { bytesMax, freeDiskMin } = this.context.options
    const atLeast = Math.min(bytesMax, 1024 * 1024)
    return Math.min(bytesMax, Math.max(atLeast, this.state.shelf.bytes + this.freeBytes - freeDiskMin))
  }

  /** One transaction at a time; what is asked for during one goes into the next. False when the disk refused. */
  write(): Promise<boolean> {
    if (this.isClosed) return Promise.resolve(false)
    if (this.writing) {
      this.following ??= this.writing.then(() => {
        this.following = undefined
        return this.write()
      })
      return this.following
    }
    this.writing = this.writeOnce().then((done) => {
      this.writing = undefined
      return done
    })
    return this.writing
  }

  /** Reading found damage: the next transaction begins a new file. */
  damaged(): void {
    this.isDamaged = true
    void this.write()
  }

  /** The last transaction, and none after it. */
  async close(): Promise<boolean> {
    this.isClosing = true
    const done = await this.write()
    this.isClosed = true
    this.cancelRetry()
    return done
  }

  private async writeOnce(): Promise<boolean> {
    const work = this.takeWork()
    try {
      if (this.isDamaged) await this.replaceFile(work)
      const page = this.state.shelf.dueToUnfold()
      if (page) await this.unfold(page)
      const { run, shelf } = this.state
      const { options, clock, storage } = this.context
      const plan = planTransaction(run, work, { shelf, options, nowMs: clock.now(), bytesMax: this.bytesMax() })
      if (!isEmpty(plan.transaction)) this.committedBy(await storage.commit(plan.transaction))
      this.apply(plan, work)
      return true
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
      this.giveBack(work)
      const isNew = error.code === 'AGENT_OUTBOX_CORRUPT' && !this.isDamaged
      this.isDamaged ||= isNew
      return isNew ? this.writeOnce() : this.refused(error)
    }
  }

  private committedBy({ freeBytes, writtenBytes = 0 }: Committed): void {
    this.freeBytes = freeBytes
    // A new thread of the storage counts from 0.
    this.written.add({}, writtenBytes >= this.writtenBytes ? writtenBytes - this.writtenBytes : writtenBytes)
    this.writtenBytes = writtenBytes
  }

  /** Entries that are listed in time are there when the uplink or an eviction comes to them. */
  private async unfold(page: Page): Promise<void> {
    try {
      await unfold(this.state.shelf, page, this.context.storage)
    } catch (error) {
      if (error instanceof MillraceError && error.code !== 'AGENT_OUTBOX_CORRUPT')
        return this.context.log.warn(error.message, { error })
      throw error
    }
    this.context.onEntries()
  }

  private takeWork(): Work {
    const { buffer, freed, ledgers, next } = this.state
    const { aside, ...asked } = next
    this.state.next = emptyNext()
    const ledger = ledgers.isDue(this.context.clock.monotonic())
    const closing = this.isClosing
    return { ...buffer.takeAll(), ...asked, freed: [...freed], aside: [...aside], ledger, closing }
  }

  private giveBack(work: Work): void {
    const { buffer, next } = this.state
    buffer.putBack(work)
    next.small = new Map([...work.small, ...next.small])
    next.alarms = [...work.alarms, ...next.alarms]
    next.again = [...work.again, ...next.again]
    for (const entry of work.aside) next.aside.add(entry)
    next.evict = [...work.evict, ...next.evict]
    next.strangers = [...work.strangers, ...next.strangers]
  }

  private refused(error: MillraceError): false {
    this.refusals.add({ code: error.code })
    if (!this.isFailing) this.context.log.error(error.message, { error })
    this.lastError = error.message
    const retryMs = backOffMs(++this.failures, retryMsMin, retryMsMax)
    this.cancelRetry()
    if (!this.isClosing) this.cancelRetry = this.context.clock.after(retryMs, () => void this.write())
    return false
  }

  private apply(plan: Plan, work: Work): void {
    const { state, context } = this
    for (const unit of plan.gone) 'entries' in unit ? forgetPage(state, unit) : forget(state, unit)
    for (const { entry, content } of plan.put) {
      const nowMs = context.clock.monotonic()
      state.shelf.add(entry, nowMs)
      state.cache.set(entry, content)
      state.ledgers.written(entry, nowMs)
      this.committed.add({}, entry.count)
    }
    state.run = plan.run
    state.shelf.fold(context.clock.monotonic())
    const prefix = keys.declaration('')
    for (const [key, value] of work.small)
      if (key.startsWith(prefix) && value !== undefined) state.durable.add(key.slice(prefix.length))
    if (plan.evicted > 0) this.evicted.add({}, plan.evicted)
    this.accepted()
    if (plan.put.length > 0) context.onEntries()
  }

  private accepted(): void {
    if (this.isFailing) this.context.log.info('the outbox takes writes again')
    this.failures = 0
    this.cancelRetry()
    this.lastError = undefined
  }

  private async replaceFile(work: Work): Promise<void> {
    const { storage, log } = this.context
    const { entries, setAside } = await storage.open(true)
    const found = await compareFile(this.state.shelf, entries, storage)
    this.isDamaged = false
    const lost = takeOver(this.state, work, found)
    log.error('AGENT_OUTBOX_CORRUPT', { aside: setAside, entries: lost, kept: this.state.shelf.size })
  }
}
