/**
 * The embedded log: one SQLite file (layout in file.ts), owned by one process.
 *
 *     append, commit ──► queue ──► group ──► writer worker: one transaction, synchronous=FULL
 *                                    └─ durable ─► tail in memory ─► callers, listeners
 *     read ◄── tail, or reader worker: a read-only connection of its own
 *
 * One group is in flight at a time; what comes meanwhile waits and goes together in the next. A failed transaction rejects
 * the calls of its group and changes nothing. (If the process dies right after a failed sync, that group may yet be found in
 * the file: a caller that retries must bear a repeat, as it must after any lost answer.)
 */
import { type Topic, topics } from '@millrace/contract'
import { type Clock, checkConfig, type Log as Logger, type Metrics, MillraceError, systemClock } from '@millrace/platform'
import type { Log, LogRecord, NewRecord } from '../log.ts'
import { partitionOf } from '../partition-of.ts'
import { decodeBlock } from './block.ts'
import { type EmbeddedLogOptions, embeddedLogSchema } from './config.ts'
import { type Call, type Formed, formGroup, markKey, type State } from './group.ts'
import type { FromReader, Trim } from './protocol.ts'
import { readersIn } from './readers.ts'
import { createTail } from './tail.ts'
import { openReader, openWriter } from './workers.ts'

export interface LogContext {
  log: Logger
  metrics: Metrics
  clock?: Clock
}

/** Longer than the bridge rests between two reads; what it adds to the way of an alarm. */
const outputsWaitMs = 15
/** So much does not wait: a stage that catches up must not be slowed. */
const outputBytesMax = 64 * 1024

/** @throws MillraceError CONFIG_INVALID, LOG_LOCKED, LOG_PARTITIONS, LOG_CORRUPT, LOG_NEWER, LOG_OPEN */
export async function openEmbeddedLog(options: EmbeddedLogOptions, context: LogContext): Promise<Log> {
  const config = checkConfig(embeddedLogSchema, options, 'log')
  const clock = context.clock ?? systemClock
  const { path, partitions } = config
  const writer = await openWriter({ path, partitions }, onFailed)
  const reader = openReader({ path })
  const tail = createTail(config.tailBytesMax)
  const bySlot = new Map(writer.slots.map((slot) => [`${slot.topic} ${slot.partition}`, slot.slot]))
  const state: State = {
    slots: [],
    marks: new Map(writer.marks.map((mark) => [markKey(mark.slot, mark.log, mark.partition), mark])),
    slotOf(topic, partition) {
      const slot = bySlot.get(`${topic} ${partition}`)
      if (slot === undefined) throw new RangeError(`no partition ${partition} of ${topic}`)
      return slot
    },
  }
  for (const slot of writer.slots) state.slots[slot.slot] = slot
  const listeners = new Map<Topic, Set<(partition: number, end: number) => void>>()
  const queue: Call[] = []
  const idle: (() => void)[] = []
  let queueBytes = 0
  let inFlight = false
  let scheduled = false
  let isUrgent = false
  let isWaiting = false
  let cancelWait = () => {}
  let trimming: Promise<void> | undefined
  let closed: MillraceError | undefined

  const groups = context.metrics.counter('millrace_log_commits_total', 'Transactions of the embedded log, by result')
  const appended = context.metrics.counter('millrace_log_records_total', 'Records made durable, by topic')
  context.metrics.gauge('millrace_log_queue_bytes', 'Bytes that wait for the disk', () => queueBytes)
  context.metrics.gauge('millrace_log_bytes', 'Bytes of all records kept', keptBytes)
  context.metrics.gauge('millrace_log_tail_bytes', 'Bytes of newest records in memory', tail.bytes)

  function keptBytes(): number {
    return state.slots.reduce((sum, slot) => sum + slot.total - slot.trimmed, 0)
  }

  function enqueue(call: Call): void {
    if (closed) call.fail(closed)
    else if (queueBytes + call.bytes > config.queueBytesMax && queueBytes > 0)
      call.fail(new MillraceError('LOG_BUSY', { bytesMax: config.queueBytesMax }))
    else {
      queueBytes += call.bytes
      queue.push(call)
      // Somebody waits for the answer: an agent for its receipt, a stage that begins or ends.
      isUrgent ||= call.k !== 'commit' || call.step.snapshot !== undefined
      schedule()
    }
  }

  /**
   * At the end of this turn of the loop, so that all its calls share one message and one transaction. Outputs of stages alone
   * wait a little for the next append, which under load takes them along: that halves the transactions.
   */
  function schedule(): void {
    if (inFlight || queue.length === 0) return
    if (isUrgent || queueBytes >= outputBytesMax) {
      cancelWait()
      soon()
    } else if (!isWaiting) {
      isWaiting = true
      const cancel = clock.after(outputsWaitMs, soon)
      cancelWait = () => {
        cancel()
        isWaiting = false
        cancelWait = () => {}
      }
    }
  }

  function soon(): void {
    if (scheduled) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      void writeGroup()
    })
  }

  async function writeGroup(): Promise<void> {
    if (closed || queue.length === 0) return
    cancelWait()
    const formed = formGroup(queue, state, clock.now())
    isUrgent = queue.length > 0
    inFlight = true
    const written = await writer.write(formed.group)
    inFlight = false
    for (const call of formed.calls) queueBytes -= call.bytes
    if (written instanceof MillraceError) refuse(formed, written)
    else publish(formed, written)
    schedule()
    if (queue.length === 0) for (const call of idle.splice(0)) call()
  }

  function refuse(formed: Formed, failure: MillraceError): void {
    groups.add({ result: failure.code })
    context.log.error('log could not write; the calls are refused', { error: failure, calls: formed.calls.length })
    for (const call of formed.calls) call.fail(failure)
  }

  function publish(formed: Formed, totals: [slot: number, total: number][]): void {
    formed.apply(totals)
    groups.add({ result: 'ok' })
    const ends = new Map<number, number>()
    for (const block of formed.tail) {
      tail.add(block)
      ends.set(block.slot, block.first + block.count)
      appended.add({ topic: state.slots[block.slot]!.topic }, block.count)
    }
    formed.calls.forEach((call, k) => {
      call.done(formed.firsts[k]!)
    })
    for (const [slot, end] of ends) notify(state.slots[slot]!.topic as Topic, state.slots[slot]!.partition, end)
  }

  function notify(topic: Topic, partition: number, end: number): void {
    for (const listener of listeners.get(topic) ?? []) {
      try {
        listener(partition, end)
      } catch (error) {
        context.log.error('a listener of the log failed', { topic, error })
      }
    }
  }

  function onFailed(error: MillraceError): void {
    closed = error
    context.log.error('the log stopped', { error })
    for (const call of queue.splice(0)) call.fail(error)
  }

  function call<T>(make: (done: (value: T) => void, fail: (error: Error) => void) => Call): Promise<T> {
    return new Promise((resolve, reject) => enqueue(make(resolve, reject)))
  }

  async function append(topic: Topic, partition: number, records: NewRecord[]): Promise<number> {
    const slot = state.slotOf(topic, partition)
    const bytes = bytesOf(records)
    if (keptBytes() + queueBytes + bytes > config.bytesMax) {
      trim().catch(() => {})
      throw new MillraceError('LOG_FULL', { path, bytesMax: config.bytesMax })
    }
    return call<number>((done, fail) => ({ k: 'append', slot, records, bytes, done, fail }))
  }

  async function read(topic: Topic, partition: number, from: number, limit: { records: number; bytes: number }) {
    if (closed) throw closed
    const slot = state.slots[state.slotOf(topic, partition)]!
    const gone = () => new MillraceError('LOG_OFFSET_GONE', { topic, partition, from, start: slot.start, end: slot.end })
    if (from < slot.start || from > slot.end) throw gone()
    if (from === slot.end) return []
    const recent = tail.read(slot.slot, from, limit)
    if (recent) return recent
    const answer = await reader.read({ slot: slot.slot, from, end: slot.end, ...limit })
    // Trimmed since it was asked for.
    if ((answer.blocks[0]?.first ?? Number.POSITIVE_INFINITY) > from) throw gone()
    return decode(answer, from, limit)
  }

  function decode(answer: FromReader, from: number, limit: { records: number; bytes: number }): LogRecord[] {
    const records: LogRecord[] = []
    let at = 0
    for (const block of answer.blocks) {
      const bytes = Buffer.from(answer.buffer.buffer, answer.buffer.byteOffset + at, block.bytes)
      if (!decodeBlock(bytes, block, from, records))
        throw new MillraceError('LOG_CORRUPT', { path, detail: `block at offset ${block.first} is damaged` })
      at += block.bytes
    }
    return cutToLimit(records, limit)
  }

  /** Resolves when everything that was called before is settled. */
  function settled(): Promise<void> {
    if (queue.length === 0 && !inFlight) return Promise.resolve()
    isUrgent = true
    schedule()
    return new Promise((resolve) => idle.push(resolve))
  }

  function trim(): Promise<void> {
    trimming ??= trimAll().finally(() => {
      trimming = undefined
    })
    return trimming
  }

  async function trimAll(): Promise<void> {
    for (let more = true; more; ) {
      if (closed) throw closed
      const done = await writer.trim(bounds())
      for (const { slot, start, trimmed } of done.slots) Object.assign(state.slots[slot]!, { start, trimmed })
      more = done.more
    }
  }

  function bounds(): Trim {
    const names = Object.keys(topics) as (keyof typeof topics)[]
    return state.slots.map(({ slot, topic }) => {
      const { bytesMax, hoursMax } = config.retention[names.find((name) => topics[name] === topic)!]
      return { slot, bytesMax: Math.floor(bytesMax / partitions), beforeMs: clock.now() - hoursMax * 3_600_000 }
    })
  }

  return {
    id: writer.id,
    partitions,
    partitionOf: (key) => partitionOf(key, partitions),
    append,
    read,
    trim,
    async bounds(topic, partition) {
      const { start, end } = state.slots[state.slotOf(topic, partition)]!
      return { start, end }
    },
    onAppend(topic, listener) {
      const set = listeners.get(topic) ?? new Set()
      listeners.set(topic, set.add(listener))
      return () => void set.delete(listener)
    },
    commit(step) {
      for (const { topic, partition } of step.outputs) state.slotOf(topic, partition)
      const bytes = step.outputs.reduce((sum, { records }) => sum + bytesOf(records), step.snapshot?.state.length ?? 0)
      return call<void>((done, fail) => ({ k: 'commit', step, bytes, done, fail }))
    },
    async loadSnapshot(stage, partition) {
      if (closed) throw closed
      return writer.snapshot(stage, partition)
    },
    registerReader(name, topic, partition, next) {
      const slot = state.slotOf(topic, partition)
      return call<void>((done, fail) => ({ k: 'reader', row: { name, slot, next }, bytes: 0, done, fail }))
    },
    unregisterReader(name) {
      return call<void>((done, fail) => ({ k: 'reader', row: { name, slot: 0, next: -1 }, bytes: 0, done, fail }))
    },
    readers: async () => readersIn(path),
    async close() {
      if (closed) return
      await settled()
      await trimming?.catch(() => {})
      closed = new MillraceError('LOG_CLOSED', { path })
      await Promise.all([writer.close(), reader.close()])
    },
  }
}

function bytesOf(records: NewRecord[]): number {
  let bytes = 0
  for (const { key, value } of records) bytes += key.length + value.length + 32
  return bytes
}

function cutToLimit(records: LogRecord[], limit: { records: number; bytes: number }): LogRecord[] {
  let bytes = 0
  let count = 0
  while (count < records.length && count < Math.max(1, limit.records) && (count === 0 || bytes < limit.bytes))
    bytes += records[count++]!.value.length
  return count === records.length ? records : records.slice(0, count)
}
