/**
 * The embedded log: one SQLite file (layout in file.ts), owned by one process.
 *
 *     append, commit ──► commit queue ──► group ──► writer worker: one transaction, synchronous=FULL
 *                                           └─ durable ─► tail in memory ─► callers, listeners
 *     read ◄── tail, or reader worker: a read-only connection of its own
 *
 * If the process dies right after a failed sync, the group that was in flight may yet be found in the file: a caller that
 * retries must bear a repeat, as it must after any lost answer.
 */
import { type Topic, topics } from '@millrace/contract'
import {
  type Clock,
  type Counter,
  checkConfig,
  type Log as Logger,
  type Metrics,
  MillraceError,
  systemClock,
} from '@millrace/platform'
import { damageError } from '../damage.ts'
import type { Damage, Log, NewRecord, Snapshot, StageCommit } from '../log.ts'
import { partitionOf } from '../partition-of.ts'
import { CommitQueue } from './commit-queue.ts'
import { type EmbeddedLogConfig, type EmbeddedLogOptions, embeddedLogSchema } from './config.ts'
import { type Limit, recordsOf } from './from-file.ts'
import { markKey, type State } from './group.ts'
import { Listeners } from './listeners.ts'
import type { Opened, Trim } from './protocol.ts'
import { readersIn } from './readers.ts'
import { createTail, type Tail } from './tail.ts'
import { openReader, openWriter } from './workers.ts'

export interface LogContext {
  log: Logger
  metrics: Metrics
  clock?: Clock
}

/** @throws MillraceError CONFIG_INVALID, LOG_LOCKED, LOG_PARTITIONS, LOG_CORRUPT, LOG_NEWER, LOG_OPEN */
export async function openEmbeddedLog(options: EmbeddedLogOptions, context: LogContext): Promise<Log> {
  const { log: logger, metrics, clock = systemClock } = context
  const config = checkConfig(embeddedLogSchema, options, 'log')
  const { path, partitions } = config
  const writer = await openWriter({ path, partitions }, (error) => {
    queue.close(error)
    logger.error('the log stopped', { error })
  })
  const { rescued } = writer
  if (rescued) logger.error('the log was damaged', { error: new MillraceError('LOG_RESCUED', { path, ...rescued }) })
  const state = stateOf(writer)
  const tail = createTail(config.tailBytesMax)
  const listeners = new Listeners(logger)
  const onDurable = listeners.tell.bind(listeners)
  const bytesMax = config.queueBytesMax
  const queue = new CommitQueue({ writer, state, tail, clock, logger, metrics, bytesMax, onDurable })
  const damages = metrics.counter('millrace_log_damaged_total', 'Records of the log that could not be read, by topic')
  const reader = openReader({ path })
  return new EmbeddedLog({ config, clock, logger, metrics, damages, writer, reader, state, tail, listeners, queue })
}

function stateOf({ slots, marks }: Opened): State {
  const bySlot = new Map(slots.map(({ topic, partition, slot }) => [`${topic} ${partition}`, slot]))
  const state: State = {
    slots: [],
    marks: new Map(marks.map((mark) => [markKey(mark.slot, mark.log, mark.partition), mark])),
    slotOf(topic, partition) {
      const slot = bySlot.get(`${topic} ${partition}`)
      if (slot === undefined) throw new RangeError(`no partition ${partition} of ${topic}`)
      return slot
    },
  }
  for (const slot of slots) state.slots[slot.slot] = slot
  return state
}

interface Parts {
  config: EmbeddedLogConfig
  clock: Clock
  logger: Logger
  /** Records that could not be read. */
  damages: Counter
  metrics: Metrics
  writer: Awaited<ReturnType<typeof openWriter>>
  reader: ReturnType<typeof openReader>
  state: State
  tail: Tail
  listeners: Listeners
  queue: CommitQueue
}

class EmbeddedLog implements Log {
  readonly id: string
  readonly partitions: number
  readonly #parts: Parts
  /** Damage that was told. */
  readonly #told = new Set<string>()
  #trimming: Promise<void> | undefined

  constructor(parts: Parts) {
    const { metrics, tail, writer, config } = parts
    this.#parts = parts
    this.id = writer.id
    this.partitions = config.partitions
    metrics.gauge('millrace_log_bytes', 'Bytes of all records kept', () => this.#keptBytes())
    metrics.gauge('millrace_log_tail_bytes', 'Bytes of newest records in memory', tail.bytes)
  }

  partitionOf(key: string): number {
    return partitionOf(key, this.partitions)
  }

  async append(topic: Topic, partition: number, records: NewRecord[]): Promise<number> {
    const { state, queue, config } = this.#parts
    const { path, bytesMax } = config
    const slot = state.slotOf(topic, partition)
    const bytes = bytesOf(records)
    if (this.#keptBytes() + queue.bytes + bytes > bytesMax) {
      this.trim().catch(() => {})
      throw new MillraceError('LOG_FULL', { path, bytesMax })
    }
    return queue.call<number>((done, fail) => ({ k: 'append', slot, records, bytes, done, fail }))
  }

  async read(topic: Topic, partition: number, from: number, limit: Limit) {
    const { state, tail, reader } = this.#parts
    this.#throwIfClosed()
    const slot = state.slots[state.slotOf(topic, partition)]!
    const gone = () => new MillraceError('LOG_OFFSET_GONE', { topic, partition, from, start: slot.start, end: slot.end })
    if (from < slot.start || from > slot.end) throw gone()
    if (from === slot.end) return []
    const recent = tail.read(slot.slot, from, limit)
    if (recent) return recent
    const answer = await reader.read({ slot: slot.slot, from, end: slot.end, ...limit })
    // Trimmed since it was asked for.
    if ((answer.blocks[0]?.first ?? Number.POSITIVE_INFINITY) > from) throw gone()
    return recordsOf(answer, { topic, partition, from, limit }, (damage) => this.#tellDamage(damage))
  }

  async bounds(topic: Topic, partition: number) {
    const { state } = this.#parts
    const { start, end } = state.slots[state.slotOf(topic, partition)]!
    return { start, end }
  }

  onAppend(topic: Topic, listener: (partition: number, end: number) => void) {
    return this.#parts.listeners.add(topic, listener)
  }

  commit(step: StageCommit): Promise<void> {
    const { state, queue } = this.#parts
    for (const { topic, partition } of step.outputs) state.slotOf(topic, partition)
    const bytes = step.outputs.reduce((sum, { records }) => sum + bytesOf(records), step.snapshot?.state.length ?? 0)
    return queue.call<void>((done, fail) => ({ k: 'commit', step, bytes, done, fail }))
  }

  async loadSnapshot(stage: string, partition: number) {
    this.#throwIfClosed()
    const { writer, logger, config } = this.#parts
    const found = await writer.snapshot(stage, partition)
    if (found?.damaged === undefined) return found as Snapshot | undefined
    const values = { path: config.path, stage, partition, detail: found.damaged }
    const error = new MillraceError('LOG_SNAPSHOT_DAMAGED', values)
    if (found.state === undefined) throw error
    logger.error('a snapshot is damaged; the one before it is used', { error })
    return { next: found.next, state: found.state }
  }

  /** Once: several read it, and each of them more than once. */
  #tellDamage(damage: Damage): void {
    const { logger, config, damages } = this.#parts
    const { topic, partition, from, to } = damage
    const name = `${topic} ${partition} ${to}`
    if (this.#told.has(name)) return
    this.#told.add(name)
    damages.add({ topic }, to - from)
    logger.error('records of the log cannot be read and are left out', { error: damageError(config.path, damage) })
  }

  registerReader(name: string, topic: Topic, partition: number, next: number): Promise<void> {
    return this.#putReader({ name, slot: this.#parts.state.slotOf(topic, partition), next })
  }

  unregisterReader(name: string): Promise<void> {
    return this.#putReader({ name, slot: 0, next: -1 })
  }

  #putReader(row: { name: string; slot: number; next: number }): Promise<void> {
    return this.#parts.queue.call<void>((done, fail) => ({ k: 'reader', row, bytes: 0, done, fail }))
  }

  async readers(): Promise<string[]> {
    return readersIn(this.#parts.config.path)
  }

  trim(): Promise<void> {
    this.#trimming ??= this.#trimAll().finally(() => {
      this.#trimming = undefined
    })
    return this.#trimming
  }

  async #trimAll(): Promise<void> {
    const { writer, state, config, clock } = this.#parts
    for (let more = true; more; ) {
      this.#throwIfClosed()
      const done = await writer.trim(trimOf(state, config, clock.now()))
      for (const { slot, start, trimmed } of done.slots) Object.assign(state.slots[slot]!, { start, trimmed })
      more = done.more
    }
  }

  async close(): Promise<void> {
    const { queue, writer, reader, config } = this.#parts
    if (queue.closed) return
    await queue.emptied()
    await this.#trimming?.catch(() => {})
    queue.close(new MillraceError('LOG_CLOSED', { path: config.path }))
    await Promise.all([writer.close(), reader.close()])
  }

  #keptBytes(): number {
    let bytes = 0
    for (const { total, trimmed } of this.#parts.state.slots) bytes += total - trimmed
    return bytes
  }

  #throwIfClosed(): void {
    if (this.#parts.queue.closed) throw this.#parts.queue.closed
  }
}

/** The bounds of the configuration, for each slot. */
function trimOf({ slots }: State, { retention, partitions }: EmbeddedLogConfig, nowMs: number): Trim {
  const names = Object.keys(topics) as (keyof typeof topics)[]
  return slots.map(({ slot, topic }) => {
    const { bytesMax, hoursMax } = retention[names.find((name) => topics[name] === topic)!]
    return { slot, bytesMax: Math.floor(bytesMax / partitions), beforeMs: nowMs - hoursMax * 3_600_000 }
  })
}

function bytesOf(records: NewRecord[]): number {
  let bytes = 0
  for (const { key, value } of records) bytes += key.length + value.length + 32
  return bytes
}
