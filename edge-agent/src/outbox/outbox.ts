/**
 * The durable outbox: what the agent measured, from its commit until the cloud's receipt.
 *
 * Every start makes a new random *stream*; entries are numbered in it by one from 1, over all devices and the node's own
 * ledger and gap records. One transaction holds the batches, the cumulative counts that include them, what was evicted to
 * make room, and the gap that names it: there is no moment at which a power cut could part them. Entries of earlier streams
 * keep their names, and each such stream gets a closing ledger record in the new one.
 */
import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Channel } from '@millrace/contract'
import type { Clock, Log, Metrics } from '@millrace/contract/service'
import { MillraceError } from '@millrace/contract/service'
import type { Declaration } from '@millrace/contract/sparkplug'
import { createCache } from './cache.ts'
import { type Content, decodeContent } from './content.ts'
import { createAliasTable, firstAlias } from './declarations.ts'
import { type Entry, parseEntry } from './entry.ts'
import { addToGap } from './gap.ts'
import { createMemoryBuffer } from './memory-buffer.ts'
import type { OutboxOptions } from './options.ts'
import { type Plan, planTransaction, type Run, type Work } from './plan.ts'
import { type Drained, prepareBatches } from './prepare.ts'
import { keys, parseRecords } from './records.ts'
import { createShelf, type Lane } from './shelf.ts'
import { isEmpty, type Loaded, type OutboxStorage } from './storage.ts'

export interface Outbox {
  /** Of this run. */
  readonly stream: string
  /** Gives aliases to the channels of a device; resolves when the table is durable and may be sent in a birth. */
  declare(device: string, channels: Channel[]): Promise<Declaration>
  declaration(id: string): Declaration | undefined
  /** Time of the device's last reading that any run made durable, epoch ms. */
  lastCommittedMs(device: string): number | undefined
  /**
   * Batches what was drained and commits it. Resolves with true when it is durable, with false when the disk refused: it then
   * waits in memory, within a bound, for the next try. Call it on a timer even with nothing: ledger records go out with it.
   */
  commit(drained: Drained[]): Promise<boolean>
  /** Entries that were not sent in this run, oldest first, without taking them; only those that `accept` takes. */
  next(lane: Lane, max: number, accept?: (entry: Entry) => boolean): Entry[]
  /** The entry is being sent: it leaves its lane, and whoever took it sees to its receipt. */
  take(entry: Entry): void
  /** False once it was released, evicted or set aside. */
  has(entry: Entry): boolean
  /** Contents of entries that are still there and readable; what cannot be read is set aside. @throws MillraceError when the disk fails. */
  load(entries: Entry[]): Promise<Map<Entry, Content>>
  /** Receipted: frees the entries, with the next commit or a little later. */
  release(entries: Entry[]): void
  /** Nobody receipts it: keeps its bytes aside and says so in a gap record with the reason `set-aside`. */
  setAside(entry: Entry): Promise<boolean>
  /** True when something was evicted that is not told yet. */
  hasGap(): boolean
  /** Turns the pending gap into entries. Called when the link is up, so that one outage makes one gap. */
  issueGap(): Promise<boolean>
  /** The next birth/death sequence number, 0 to 255, on the disk if it takes writes. */
  nextBdSeq(): Promise<number>
  status(): OutboxStatus
  /** Calls after entries became durable. Returns the unsubscribe function. */
  onEntries(listener: () => void): () => void
  /** Writes what waits and a last ledger record, then closes the storage. */
  close(): Promise<void>
}

export interface OutboxStatus {
  stream: string
  /** Last number given. */
  last: number
  entries: number
  bytes: number
  bytesMax: number
  waiting: { live: number; backlog: number }
  memoryBytes: number
  failing: boolean
  lastError?: string
}

export interface OutboxAround {
  clock: Clock
  log: Log
  metrics: Metrics
  /** Below 1, as Math.random; the simulation passes its own. */
  random?: () => number
}

const retryMsMin = 500
const retryMsMax = 10_000
/** Ledger records that wait unreceipted stretch the time to the next one, up to this. */
const ledgerEveryMsMax = 60_000
const declarationsKept = 100

/** @throws MillraceError AGENT_OUTBOX_LOCKED, AGENT_OUTBOX_NEWER, AGENT_OUTBOX_IO, AGENT_OUTBOX_FULL */
export async function openOutbox(storage: OutboxStorage, options: OutboxOptions, around: OutboxAround): Promise<Outbox> {
  const { clock, log, metrics, random = secureRandom } = around
  const loaded = await storage.open()
  if (loaded.setAside) log.error('AGENT_OUTBOX_CORRUPT', { aside: loaded.setAside })
  const shelf = createShelf(options.liveMs)
  const cache = createCache(options.cacheBytesMax)
  const buffer = createMemoryBuffer(options.memoryBytesMax)
  const records = parseRecords(loaded.small)
  const aliases = createAliasTable(records.declarations, records.nextAlias ?? firstAlias(random))
  const durable = new Set(records.declarations.map(({ id }) => id))
  const listeners = new Set<() => void>()
  const committed = metrics.counter('millrace_outbox_readings_committed_total', 'Readings made durable')
  const evicted = metrics.counter('millrace_outbox_readings_evicted_total', 'Readings evicted at a bound')
  const failures = metrics.counter('millrace_outbox_storage_failures_total', 'Transactions that the disk refused, by code')
  let run: Run = newRun(loaded)
  let bdSeq = records.bdSeq ?? -1
  let next = emptyNext()
  const freed = new Set<Entry>()
  const current = new Map<string, Declaration>()
  let damaged = false
  let freeBytes = Number.POSITIVE_INFINITY
  let writing: Promise<boolean> | undefined
  let following: Promise<boolean> | undefined
  let ledgerAtMs = Number.NEGATIVE_INFINITY
  const unreadLedgers = new Set<Entry>()
  let retryMs = 0
  let lastError: string | undefined
  let closed = false
  let cancelRetry = () => {}
  let cancelRelease: (() => void) | undefined

  await loadGuards()
  metrics.gauge('millrace_outbox_entries', 'Entries in the outbox', () => shelf.size)
  metrics.gauge('millrace_outbox_bytes', 'Bytes in the outbox', () => shelf.bytes)
  metrics.gauge('millrace_outbox_memory_bytes', 'Bytes that wait for the disk', () => buffer.bytes)
  await write()

  return {
    stream: run.stream,
    async declare(device, channels) {
      const [declaration, isNew] = aliases.declare(device, channels)
      if (isNew) {
        next.small.set(keys.declaration(declaration.id), JSON.stringify(declaration))
        next.small.set(keys.nextAlias, `${aliases.nextAlias}`)
      }
      current.set(device, declaration)
      while (!durable.has(declaration.id) && !closed) if (!(await write())) await pause(retryMsMin)
      return declaration
    },
    declaration: (id) => (durable.has(id) ? aliases.get(id) : undefined),
    lastCommittedMs: (device) => run.lastMs.get(device),
    async commit(drained) {
      const nowMs = clock.now()
      const prepared = drained.map((one) => prepare(one, nowMs))
      for (const [index, { device, counts }] of drained.entries()) buffer.add(prepared[index]!, device, counts)
      return retryMs > 0 ? false : write()
    },
    next: (lane, max, accept) => shelf.next(lane, max, clock.monotonic(), accept),
    take: (entry) => shelf.take(entry),
    has: (entry) => shelf.has(entry) && !freed.has(entry) && !next.aside.has(entry),
    load,
    release(entries) {
      for (const entry of entries) if (shelf.has(entry)) freed.add(entry)
      if (freed.size > 0 && !closed)
        cancelRelease ??= clock.after(options.releaseMs, () => {
          cancelRelease = undefined
          if (retryMs === 0) void write()
        })
    },
    setAside(entry) {
      next.aside.add(entry)
      return write()
    },
    hasGap: () => run.gap.length > 0,
    issueGap() {
      next.issueGap = true
      return write()
    },
    async nextBdSeq() {
      bdSeq = (bdSeq + 1) % 256
      next.small.set(keys.bdSeq, `${bdSeq}`)
      await write()
      return bdSeq
    },
    status: () => ({
      stream: run.stream,
      last: run.last,
      entries: shelf.size,
      bytes: shelf.bytes,
      bytesMax: bytesMax(),
      waiting: { live: shelf.waiting('live'), backlog: shelf.waiting('backlog') },
      memoryBytes: buffer.bytes,
      failing: retryMs > 0,
      ...(lastError === undefined ? {} : { lastError }),
    }),
    onEntries(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      closed = true
      cancelRetry()
      cancelRelease?.()
      if (!(await write())) log.error('outbox closed while the disk refused it', { bytes: buffer.bytes, error: lastError })
      cancelRetry()
      await storage.close()
    },
  }
  /** One transaction at a time; what is asked for meanwhile goes into the one after it. Never rejects. */
  function write(): Promise<boolean> {
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
      if (damaged) await beginAnew(work)
      const plan = planTransaction(run, shelf, work, { options, nowMs: clock.now(), bytesMax: bytesMax() })
      if (!isEmpty(plan.transaction)) freeBytes = (await storage.commit(plan.transaction)).freeBytes
      apply(plan, work)
      return true
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
      giveBack(work)
      const first = error.code === 'AGENT_OUTBOX_CORRUPT' && !damaged
      damaged ||= first
      return first ? writeOnce() : refused(error)
    }
  }

  function takeWork(): Work {
    const { aside, small, again, issueGap } = next
    next = emptyNext()
    return {
      ...buffer.takeAll(),
      freed: [...freed],
      aside: [...aside],
      small,
      again,
      issueGap,
      ledger: isLedgerDue(),
      closing: closed,
    }
  }

  function giveBack(work: Work): void {
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
    if (!closed) cancelRetry = clock.after(retryMs, () => void write())
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
    run = plan.run
    for (const key of work.small.keys())
      if (key.startsWith(keys.declaration(''))) durable.add(key.slice(keys.declaration('').length))
    if (plan.evicted > 0) evicted.add({}, plan.evicted)
    if (retryMs > 0) log.info('the outbox takes writes again')
    retryMs = 0
    lastError = undefined
    if (plan.put.length > 0) for (const listener of listeners) listener()
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

  /** Bounded by the disk as well; a disk that others filled does not take the last of the outbox. */
  function bytesMax(): number {
    const atLeast = Math.min(options.bytesMax, 1024 * 1024)
    return Math.min(options.bytesMax, Math.max(atLeast, shelf.bytes + freeBytes - options.freeDiskMin))
  }

  async function load(entries: Entry[]): Promise<Map<Entry, Content>> {
    const contents = new Map<Entry, Content>()
    const missing: Entry[] = []
    for (const entry of entries) {
      const cached = cache.get(entry)
      if (cached) contents.set(entry, cached)
      else if (shelf.has(entry)) missing.push(entry)
    }
    const payloads = missing.length === 0 ? new Map<number, Uint8Array>() : await read(missing)
    for (const entry of missing) {
      const content = unpack(entry, payloads.get(entry.id))
      if (content) contents.set(entry, content)
      else if (shelf.has(entry)) loseUnreadable(entry)
    }
    return contents
  }

  async function read(entries: Entry[]): Promise<Map<number, Uint8Array>> {
    try {
      return await storage.read(entries.map(({ id }) => id))
    } catch (error) {
      if (error instanceof MillraceError && error.code === 'AGENT_OUTBOX_CORRUPT') {
        damaged = true
        void write()
      }
      throw error
    }
  }

  function unpack(entry: Entry, payload: Uint8Array | undefined): Content | undefined {
    if (!payload || crc32(payload) !== entry.crc) return undefined
    try {
      return decodeContent(entry.kind, payload)
    } catch {
      return undefined
    }
  }

  function loseUnreadable(entry: Entry): void {
    log.error('an entry of the outbox has changed on the disk and was set aside', { stream: entry.stream, number: entry.number })
    next.aside.add(entry)
    void write()
  }

  /** The file was damaged while in use. What it held is evicted, the rest of the state is written again from memory. */
  async function beginAnew(work: Work): Promise<void> {
    const { setAside } = await storage.open()
    damaged = false
    log.error('AGENT_OUTBOX_CORRUPT', { aside: setAside, entries: shelf.size })
    const gap = structuredClone(run.gap)
    for (const entry of shelf.entries()) {
      const content = cache.get(entry)
      if (entry.guard && content && 'text' in content && entry.kind !== 'data')
        work.again.push({ kind: entry.kind, text: content.text, guard: entry.guard })
      else if (!freed.has(entry)) addToGap(gap, 'evicted', entry)
      forget(entry)
    }
    run = { ...run, gap }
    work.freed = []
    work.aside = []
    work.small = new Map([...allSmall(), ...work.small])
  }

  function allSmall(): Map<string, string> {
    const small = new Map([
      [keys.bdSeq, `${bdSeq}`],
      [keys.nextAlias, `${aliases.nextAlias}`],
      [keys.gap, JSON.stringify(run.gap)],
    ])
    for (const declaration of aliases.all()) small.set(keys.declaration(declaration.id), JSON.stringify(declaration))
    for (const [device, ms] of run.lastMs) small.set(keys.lastMs(device), `${ms}`)
    for (const { stream, last, counts } of [run, ...run.open]) {
      small.set(keys.stream(stream), `${last}`)
      for (const [device, of] of counts) small.set(keys.counts(stream, device), JSON.stringify(of))
    }
    return small
  }

  function newRun({ entries }: Loaded): Run {
    const needed = new Set<string>()
    let nextId = 1
    for (const { id, meta } of entries) {
      const entry = parseEntry(id, meta)
      needed.add(entry.declaration)
      shelf.add(entry)
      nextId = id + 1
    }
    const unneeded = records.declarations.filter(({ id }) => !needed.has(id))
    for (const { id } of unneeded.slice(0, Math.max(0, unneeded.length - declarationsKept))) {
      aliases.forget(id)
      next.small.set(keys.declaration(id), undefined)
    }
    const stream = Array.from({ length: 14 }, () => Math.floor(random() * 36).toString(36)).join('')
    return {
      stream,
      last: 0,
      nextId,
      counts: new Map(),
      before: new Map(),
      lastMs: records.lastMs,
      gap: records.gap,
      open: records.streams,
      uncounted: false,
    }
  }

  /** Gap and closing ledger records stay in memory as well: if the file is lost they are written again. */
  async function loadGuards(): Promise<void> {
    const guards = [...shelf.guards()]
    for (const [entry, content] of await load(guards)) cache.set(entry, content)
  }

  function prepare(one: Drained, nowMs: number) {
    const declaration = current.get(one.device)
    if (!declaration) throw new Error(`device ${one.device} was not declared to the outbox`)
    return prepareBatches(one, declaration, options, nowMs)
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => void clock.after(ms, resolve))
  }
}

function emptyNext(): Pick<Work, 'small' | 'again' | 'issueGap'> & { aside: Set<Entry> } {
  return { small: new Map(), again: [], issueGap: false, aside: new Set() }
}

function secureRandom(): number {
  return randomBytes(6).readUIntBE(0, 6) / 2 ** 48
}
