/**
 * The durable outbox: what the agent measured, from its commit until the cloud's receipt.
 *
 * Every start makes a new random *stream*; entries are numbered in it by one from 1, over all devices and the node's own
 * ledger and gap records. One transaction holds the batches, the cumulative counts that include them, what was evicted to
 * make room, and the gap that names it: there is no moment at which a power cut could part them. Entries of earlier streams
 * keep their names, and each such stream gets a closing ledger record in the new one.
 */
import { randomBytes } from 'node:crypto'
import type { Channel } from '@millrace/contract'
import type { Declaration } from '@millrace/contract/sparkplug'
import type { Clock, Log, Metrics } from '@millrace/platform'
import { addStretch, type Stretches } from '../stretches.ts'
import type { Content } from './content.ts'
import type { Entry } from './entry.ts'
import { load } from './load.ts'
import type { OutboxOptions } from './options.ts'
import { type Drained, prepareBatches } from './prepare.ts'
import { loadContents, loadGuards, type ReaderContext } from './reader.ts'
import { keys } from './records.ts'
import type { Lane } from './shelf.ts'
import { createState, type State } from './state.ts'
import type { OutboxStorage } from './storage.ts'
import type { Prepared } from './work.ts'
import { Writer } from './writer.ts'

export interface OutboxStatus {
  stream: string
  /** Last number given. */
  last: number
  entries: number
  /** Of them, known one by one in memory. */
  indexed: number
  bytes: number
  bytesMax: number
  waiting: { live: number; backlog: number }
  memoryBytes: number
  failing: boolean
  lastError?: string
}

/** What the rules on the gateway made of what was drained: it is committed with it. */
export interface Decided {
  /** JSON of alarm records; they are sent before the batches. */
  alarms?: string[]
  /** What the rules know now. */
  rules?: string
}

export interface OutboxContext {
  clock: Clock
  log: Log
  metrics: Metrics
  /** Below 1, as Math.random; the simulation passes its own. */
  random?: () => number
}

const declareRetryMs = 500

/** @throws MillraceError AGENT_OUTBOX_LOCKED, AGENT_OUTBOX_NEWER, AGENT_OUTBOX_IO, AGENT_OUTBOX_FULL */
export async function openOutbox(storage: OutboxStorage, options: OutboxOptions, context: OutboxContext): Promise<Outbox> {
  const { log, random = secureRandom } = context
  const loaded = await load(storage, options)
  if (loaded.setAside) log.error('AGENT_OUTBOX_CORRUPT', { aside: loaded.setAside, recovered: loaded.shelf.size })
  const outbox = new Outbox(createState(loaded, options, random), { ...context, storage, options })
  await outbox.start()
  return outbox
}

export class Outbox {
  /** Of this run. */
  readonly stream: string
  private readonly state: State
  private readonly context: OutboxContext & { storage: OutboxStorage; options: OutboxOptions }
  private readonly reader: ReaderContext
  private readonly writer: Writer
  private readonly current = new Map<string, Declaration>()
  private readonly listeners = new Set<() => void>()
  private isClosed = false
  private cancelRelease: (() => void) | undefined

  constructor(state: State, context: Outbox['context']) {
    const { storage, log } = context
    this.stream = state.run.stream
    this.state = state
    this.context = context
    const onEntries = () => {
      for (const listener of this.listeners) listener()
    }
    this.writer = new Writer(state, { ...context, onEntries })
    this.reader = { state, storage, writer: this.writer, log }
  }

  async start(): Promise<void> {
    const { metrics } = this.context
    const { shelf, buffer } = this.state
    await loadGuards(this.reader)
    metrics.gauge('millrace_outbox_entries', 'Entries in the outbox', () => shelf.size)
    metrics.gauge('millrace_outbox_bytes', 'Bytes in the outbox', () => shelf.bytes)
    metrics.gauge(
      'millrace_outbox_bytes_max',
      'Bytes at which the outbox evicts; less than configured while the disk is nearly full',
      () => this.writer.bytesMax(),
    )
    metrics.gauge(
      'millrace_outbox_indexed_entries',
      'Entries of the outbox that are known one by one in memory',
      () => shelf.indexed,
    )
    metrics.gauge('millrace_outbox_memory_bytes', 'Bytes that wait for the disk', () => buffer.bytes)
    // Closes the streams of earlier runs.
    await this.writer.write()
  }

  /** Gives aliases to the channels of a device; resolves when the table is durable and may be sent in a birth. */
  async declare(device: string, channels: Channel[]): Promise<Declaration> {
    const { aliases, next, durable } = this.state
    const [declaration, isNew] = aliases.declare(device, channels)
    if (isNew) {
      next.small.set(keys.declaration(declaration.id), JSON.stringify(declaration))
      next.small.set(keys.nextAlias, `${aliases.nextAlias}`)
    }
    this.current.set(device, declaration)
    while (!durable.has(declaration.id) && !this.isClosed) if (!(await this.writer.write())) await this.pause(declareRetryMs)
    return declaration
  }

  declaration(id: string): Declaration | undefined {
    return this.state.durable.has(id) ? this.state.aliases.get(id) : undefined
  }

  /** Time of the device's last reading that any run made durable, epoch ms. */
  lastCommittedMs(device: string): number | undefined {
    return this.state.run.lastMs.get(device)
  }

  /** Where the device's readings that any run made durable have their times. */
  given(device: string): Stretches {
    return this.state.run.given.get(device) ?? []
  }

  /** What the rules on the gateway knew when something was last committed with it. */
  get rules(): string | undefined {
    return this.state.rules
  }

  /** The same of all devices, and each one's newest reading. */
  allGiven(): { given: Stretches; lastMs: number[] } {
    const { given, lastMs } = this.state.run
    const all = [...given.values()].flat().reduce<Stretches>((sum, [fromMs, toMs]) => addStretch(sum, fromMs, toMs), [])
    return { given: all, lastMs: [...lastMs.values()] }
  }

  /** Small records of ../clock, as they were kept last. */
  get kept(): ReadonlyMap<string, string> {
    return this.state.clock
  }

  /** Is on the disk with the next commit, and with every batch that is committed later. */
  keep(key: string, value: string | undefined): void {
    const { clock, next } = this.state
    if (value === undefined) clock.delete(key)
    else clock.set(key, value)
    next.small.set(keys.clock(key), value)
  }

  /**
   * Batches what was drained and commits it. Resolves with true when it is durable, with false when the disk refused: it then
   * waits in memory, within a bound, for the next try. Call it on a timer even with nothing: ledger records go out with it.
   */
  async commit(drained: Drained[], { alarms = [], rules }: Decided = {}): Promise<boolean> {
    const prepared = drained.map((one) => this.prepare(one))
    for (const [index, { device, counts }] of drained.entries()) this.state.buffer.add(prepared[index]!, device, counts)
    const { next } = this.state
    next.alarms.push(...alarms)
    if (rules !== undefined) this.keepRules(rules)
    return this.writer.isFailing ? false : this.writer.write()
  }

  /** Entries that were not sent in this run, oldest first, without taking them; only those that `accept` takes. */
  next(lane: Lane, max: number, accept?: (entry: Entry) => boolean): Entry[] {
    return this.state.shelf.next(lane, max, this.context.clock.monotonic(), accept)
  }

  /** The entry is being sent: it leaves its lane, and the caller waits for its receipt. */
  take(entry: Entry): void {
    this.state.shelf.take(entry)
  }

  /** False once it was released, evicted or set aside. */
  has(entry: Entry): boolean {
    const { shelf, freed, next } = this.state
    return shelf.has(entry) && !freed.has(entry) && !next.aside.has(entry)
  }

  /** Contents of entries that are still there and readable; what cannot be read is set aside. @throws MillraceError when the disk fails. */
  load(entries: Entry[]): Promise<Map<Entry, Content>> {
    return loadContents(this.reader, entries)
  }

  /** Receipted: frees the entries, with the next commit or a little later. */
  release(entries: Entry[]): void {
    const { shelf, freed } = this.state
    for (const entry of entries) if (shelf.has(entry)) freed.add(entry)
    if (freed.size === 0 || this.isClosed) return
    this.cancelRelease ??= this.context.clock.after(this.context.options.releaseMs, () => {
      this.cancelRelease = undefined
      if (!this.writer.isFailing) void this.writer.write()
    })
  }

  /** Nobody receipts it: keeps its bytes aside and says so in a gap record with the reason `set-aside`. */
  setAside(entry: Entry): Promise<boolean> {
    this.state.next.aside.add(entry)
    return this.writer.write()
  }

  /** Somebody decided that they are not to be sent: removes them, and names them in the gap. */
  drop(entries: Entry[]): Promise<boolean> {
    this.state.next.evict.push(...entries)
    return this.writer.write()
  }

  /** True when something was evicted that is not told yet. */
  hasGap(): boolean {
    return this.state.run.gap.length > 0
  }

  /** Turns the pending gap into entries. Called when the link is up, so that one outage makes one gap. */
  issueGap(): Promise<boolean> {
    this.state.next.issueGap = true
    return this.writer.write()
  }

  /** The next birth/death sequence number, 0 to 255, on the disk if it takes writes. */
  async nextBdSeq(): Promise<number> {
    const { state } = this
    state.bdSeq = (state.bdSeq + 1) % 256
    state.next.small.set(keys.bdSeq, `${state.bdSeq}`)
    await this.writer.write()
    return state.bdSeq
  }

  status(): OutboxStatus {
    const { run, shelf, buffer } = this.state
    const { lastError } = this.writer
    return {
      stream: run.stream,
      last: run.last,
      entries: shelf.size,
      indexed: shelf.indexed,
      bytes: shelf.bytes,
      bytesMax: this.writer.bytesMax(),
      waiting: { live: shelf.waiting('live'), backlog: shelf.waiting('backlog') },
      memoryBytes: buffer.bytes,
      failing: this.writer.isFailing,
      ...(lastError === undefined ? {} : { lastError }),
    }
  }

  /** Calls after entries became durable. Returns the unsubscribe function. */
  onEntries(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Writes what waits and a last ledger record, then closes the storage. */
  async close(): Promise<void> {
    const { storage, log } = this.context
    const { state, writer } = this
    this.isClosed = true
    this.cancelRelease?.()
    if (!(await writer.close()))
      log.error('the outbox was closed while the disk refused it', { bytes: state.buffer.bytes, error: writer.lastError })
    await storage.close()
  }

  private keepRules(rules: string): void {
    this.state.rules = rules
    this.state.next.small.set(keys.rules, rules)
  }

  private prepare(drained: Drained): Prepared[] {
    const declaration = this.current.get(drained.device)
    if (!declaration) throw new Error(`device ${drained.device} was not declared to the outbox`)
    return prepareBatches(drained, declaration, this.context.options, this.context.clock.now())
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.context.clock.after(ms, resolve))
  }
}

function secureRandom(): number {
  return randomBytes(6).readUIntBE(0, 6) / 2 ** 48
}
