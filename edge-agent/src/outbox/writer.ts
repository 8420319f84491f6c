/**
 * The one that writes: gathers what waits, has it planned as one transaction, commits it, and only then changes the state.
 *
 * What the disk refuses goes back to what waits and is tried again, later and later. A file that turns out to be damaged is
 * replaced: what it held is evicted, and the rest of the state is written again from memory.
 */
import { type Clock, type Log, type Metrics, MillraceError } from '@millrace/contract/service'
import type { Entry } from './entry.ts'
import { addToGap } from './gap.ts'
import type { OutboxOptions } from './options.ts'
import { type Plan, planTransaction, type Work } from './plan.ts'
import { keys } from './records.ts'
import { allSmall, emptyNext, type State } from './state.ts'
import { isEmpty, type OutboxStorage } from './storage.ts'

export interface Writer {
  /** One transaction at a time; what is asked for meanwhile goes into the one after it. False when the disk refused. */
  write(): Promise<boolean>
  /** The disk refused the last transaction; it will be tried again without being asked. */
  readonly isFailing: boolean
  readonly lastError: string | undefined
  /** The outbox's bound, which a full disk lowers. */
  bytesMax(): number
  /** Reading found damage: the next transaction begins a new file. */
  damaged(): void
  /** The last transaction, and none after it. */
  close(): Promise<boolean>
}

export interface WriterAround {
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
/** Ledger records that wait unreceipted stretch the time to the next one, up to this. */
const ledgerEveryMsMax = 60_000

export function createWriter(state: State, around: WriterAround): Writer {
  const { storage, options, clock, log, metrics } = around
  const { shelf, cache, buffer, durable, freed } = state
  const committed = metrics.counter('millrace_outbox_readings_committed_total', 'Readings made durable')
  const evicted = metrics.counter('millrace_outbox_readings_evicted_total', 'Readings evicted at a bound')
  const failures = metrics.counter('millrace_outbox_storage_failures_total', 'Transactions that the disk refused, by code')
  const unreadLedgers = new Set<Entry>()
  let ledgerAtMs = Number.NEGATIVE_INFINITY
  let writing: Promise<boolean> | undefined
  let following: Promise<boolean> | undefined
  let freeBytes = Number.POSITIVE_INFINITY
  let isDamaged = false
  let isClosing = false
  let isClosed = false
  let retryMs = 0
  let cancelRetry = () => {}
  let lastError: string | undefined
  return {
    write,
    get isFailing() {
      return retryMs > 0
    },
    get lastError() {
      return lastError
    },
    bytesMax,
    damaged() {
      isDamaged = true
      void write()
    },
    async close() {
      isClosing = true
      const done = await write()
      isClosed = true
      cancelRetry()
      return done
    },
  }

  function write(): Promise<boolean> {
    if (isClosed) return Promise.resolve(false)
    if (writing) {
      following ??= writing.then(() => {
        following = undefined
        return write()
      })
      return following
    }
    writing = writeOnce().then((done) => {
      writing = undefined
      return done
    })
    return writing
  }

  async function writeOnce(): Promise<boolean> {
    const work = takeWork()
    try {
      if (isDamaged) await beginAnew(work)
      const plan = planTransaction(state.run, shelf, work, { options, nowMs: clock.now(), bytesMax: bytesMax() })
      if (!isEmpty(plan.transaction)) freeBytes = (await storage.commit(plan.transaction)).freeBytes
      apply(plan, work)
      return true
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
      giveBack(work)
      const isNew = error.code === 'AGENT_OUTBOX_CORRUPT' && !isDamaged
      isDamaged ||= isNew
      return isNew ? writeOnce() : refused(error)
    }
  }

  function takeWork(): Work {
    const { aside, small, again, issueGap } = state.next
    state.next = emptyNext()
    const waiting = buffer.takeAll()
    return { ...waiting, freed: [...freed], aside: [...aside], small, again, issueGap, ledger: isLedgerDue(), closing: isClosing }
  }

  function giveBack(work: Work): void {
    const { next } = state
    buffer.putBack(work)
    next.small = new Map([...work.small, ...next.small])
    next.again = [...work.again, ...next.again]
    for (const entry of work.aside) next.aside.add(entry)
  }

  function refused(error: MillraceError): false {
    failures.add({ code: error.code })
    if (retryMs === 0) log.error(error.message)
    lastError = error.message
    retryMs = Math.min(retryMsMax, Math.max(retryMsMin, retryMs * 2))
    cancelRetry()
    if (!isClosing) cancelRetry = clock.after(retryMs, () => void write())
    return false
  }

  function apply(plan: Plan, work: Work): void {
    for (const entry of plan.gone) forget(entry)
    for (const { entry, content } of plan.put) {
      shelf.add(entry, clock.monotonic())
      cache.set(entry, content)
      committed.add({}, entry.count)
      if (entry.kind !== 'ledger' || entry.guard) continue
      unreadLedgers.add(entry)
      ledgerAtMs = clock.monotonic()
    }
    state.run = plan.run
    const prefix = keys.declaration('')
    for (const [key, value] of work.small)
      if (key.startsWith(prefix) && value !== undefined) durable.add(key.slice(prefix.length))
    if (plan.evicted > 0) evicted.add({}, plan.evicted)
    if (retryMs > 0) log.info('the outbox takes writes again')
    retryMs = 0
    cancelRetry()
    lastError = undefined
    if (plan.put.length > 0) around.onEntries()
  }

  function forget(entry: Entry): void {
    shelf.remove(entry)
    cache.delete(entry)
    freed.delete(entry)
    unreadLedgers.delete(entry)
  }

  /** While nobody reads them, ledger records come less and less often: each holds all counts, so few are as good as many. */
  function isLedgerDue(): boolean {
    const waitMs = Math.min(ledgerEveryMsMax, options.ledgerEveryMs * 2 ** Math.min(6, unreadLedgers.size))
    return clock.monotonic() - ledgerAtMs >= Math.max(options.ledgerEveryMs, waitMs)
  }

  /** A disk that others filled does not take the last of the outbox. */
  function bytesMax(): number {
    const atLeast = Math.min(options.bytesMax, 1024 * 1024)
    return Math.min(options.bytesMax, Math.max(atLeast, shelf.bytes + freeBytes - options.freeDiskMin))
  }

  async function beginAnew(work: Work): Promise<void> {
    const { setAside } = await storage.open()
    isDamaged = false
    log.error('AGENT_OUTBOX_CORRUPT', { aside: setAside, entries: shelf.size })
    const gap = structuredClone(state.run.gap)
    for (const entry of shelf.entries()) {
      const content = cache.get(entry)
      if (entry.guard && content && 'text' in content && entry.kind !== 'data')
        work.again.push({ kind: entry.kind, text: content.text, guard: entry.guard })
      else if (!freed.has(entry)) addToGap(gap, 'evicted', entry)
      forget(entry)
    }
    state.run = { ...state.run, gap }
    work.freed = []
    work.aside = []
    work.small = new Map([...allSmall(state), ...work.small])
  }
}
