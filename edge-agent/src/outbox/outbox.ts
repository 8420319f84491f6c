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
import type { Clock, Log, Metrics } from '@millrace/contract/service'
import type { Declaration } from '@millrace/contract/sparkplug'
import type { Stretches } from '../stretches.ts'
import type { Content } from './content.ts'
import type { Entry } from './entry.ts'
import type { OutboxOptions } from './options.ts'
import { type Drained, prepareBatches } from './prepare.ts'
import { loadContents, loadGuards } from './reader.ts'
import { keys } from './records.ts'
import type { Lane } from './shelf.ts'
import { createState } from './state.ts'
import type { OutboxStorage } from './storage.ts'
import { createWriter } from './writer.ts'

export interface Outbox {
  /** Of this run. */
  readonly stream: string
  /** Gives aliases to the channels of a device; resolves when the table is durable and may be sent in a birth. */
  declare(device: string, channels: Channel[]): Promise<Declaration>
  declaration(id: string): Declaration | undefined
  /** Time of the device's last reading that any run made durable, epoch ms. */
  lastCommittedMs(device: string): number | undefined
  /** Where the device's readings that any run made durable have their times. */
  given(device: string): Stretches
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

const declareRetryMs = 500

/** @throws MillraceError AGENT_OUTBOX_LOCKED, AGENT_OUTBOX_NEWER, AGENT_OUTBOX_IO, AGENT_OUTBOX_FULL */
export async function openOutbox(storage: OutboxStorage, options: OutboxOptions, around: OutboxAround): Promise<Outbox> {
  const { clock, log, metrics, random = secureRandom } = around
  const loaded = await storage.open()
  if (loaded.setAside) log.error('AGENT_OUTBOX_CORRUPT', { aside: loaded.setAside })
  const state = createState(loaded, options, random)
  const { shelf, buffer, aliases, durable, freed } = state
  const current = new Map<string, Declaration>()
  const listeners = new Set<() => void>()
  const onEntries = () => {
    for (const listener of listeners) listener()
  }
  const writer = createWriter(state, { storage, options, clock, log, metrics, onEntries })
  let isClosed = false
  let cancelRelease: (() => void) | undefined
  await loadGuards(state, storage, writer, log)
  metrics.gauge('millrace_outbox_entries', 'Entries in the outbox', () => shelf.size)
  metrics.gauge('millrace_outbox_bytes', 'Bytes in the outbox', () => shelf.bytes)
  metrics.gauge(
    'millrace_outbox_bytes_max',
    'Bytes at which the outbox evicts; less than configured while the disk is nearly full',
    () => writer.bytesMax(),
  )
  metrics.gauge('millrace_outbox_memory_bytes', 'Bytes that wait for the disk', () => buffer.bytes)
  // Closes the streams of earlier runs.
  await writer.write()

  return {
    stream: state.run.stream,
    async declare(device, channels) {
      const [declaration, isNew] = aliases.declare(device, channels)
      if (isNew) {
        state.next.small.set(keys.declaration(declaration.id), JSON.stringify(declaration))
        state.next.small.set(keys.nextAlias, `${aliases.nextAlias}`)
      }
      current.set(device, declaration)
      while (!durable.has(declaration.id) && !isClosed) if (!(await writer.write())) await pause(declareRetryMs)
      return declaration
    },
    declaration: (id) => (durable.has(id) ? aliases.get(id) : undefined),
    lastCommittedMs: (device) => state.run.lastMs.get(device),
    given: (device) => state.run.given.get(device) ?? [],
    async commit(drained) {
      const prepared = drained.map(prepare)
      for (const [index, { device, counts }] of drained.entries()) buffer.add(prepared[index]!, device, counts)
      return writer.isFailing ? false : writer.write()
    },
    next: (lane, max, accept) => shelf.next(lane, max, clock.monotonic(), accept),
    take: (entry) => shelf.take(entry),
    has: (entry) => shelf.has(entry) && !freed.has(entry) && !state.next.aside.has(entry),
    load: (entries) => loadContents(state, storage, writer, log, entries),
    release(entries) {
      for (const entry of entries) if (shelf.has(entry)) freed.add(entry)
      if (freed.size > 0 && !isClosed) cancelRelease ??= clock.after(options.releaseMs, writeReleased)
    },
    setAside(entry) {
      state.next.aside.add(entry)
      return writer.write()
    },
    hasGap: () => state.run.gap.length > 0,
    issueGap() {
      state.next.issueGap = true
      return writer.write()
    },
    async nextBdSeq() {
      state.bdSeq = (state.bdSeq + 1) % 256
      state.next.small.set(keys.bdSeq, `${state.bdSeq}`)
      await writer.write()
      return state.bdSeq
    },
    status: () => ({
      stream: state.run.stream,
      last: state.run.last,
      entries: shelf.size,
      bytes: shelf.bytes,
      bytesMax: writer.bytesMax(),
      waiting: { live: shelf.waiting('live'), backlog: shelf.waiting('backlog') },
      memoryBytes: buffer.bytes,
      failing: writer.isFailing,
      ...(writer.lastError === undefined ? {} : { lastError: writer.lastError }),
    }),
    onEntries(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      isClosed = true
      cancelRelease?.()
      if (!(await writer.close()))
        log.error('the outbox was closed while the disk refused it', { bytes: buffer.bytes, error: writer.lastError })
      await storage.close()
    },
  }

  function prepare(drained: Drained) {
    const declaration = current.get(drained.device)
    if (!declaration) throw new Error(`device ${drained.device} was not declared to the outbox`)
    return prepareBatches(drained, declaration, options, clock.now())
  }

  function writeReleased(): void {
    cancelRelease = undefined
    if (!writer.isFailing) void writer.write()
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => void clock.after(ms, resolve))
  }
}

function secureRandom(): number {
  return randomBytes(6).readUIntBE(0, 6) / 2 ** 48
}
