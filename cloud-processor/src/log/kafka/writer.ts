/**
 * Writes to partitions. What waits for one partition goes together in the next batch; one batch of a partition is under way at a
 * time, and the same batch is sent again, with the same sequence, until it is durable or its time is over. So the records of a
 * partition keep the order of the calls, and nothing of a call is sent after a part of it that failed.
 *
 * A request costs the same however little is in it, so requests keep a pace, and calls that may wait do so for company.
 *
 *   append ─► lane of the partition ─► batch (≤ batchBytesMax) ─┬─► one request for each node ─► durable ─► callers
 *                                      batch of another lane ───┘
 */
import { type Clock, MillraceError } from '@millrace/platform'
import { type At, type Batch, type KafkaClient, KafkaFailure, type KafkaRecord, keyOf, type Produced } from './client.ts'
import { pauseAfter, sleep } from './retry.ts'

/** Between two requests at least: what comes meanwhile shares the next one. Well below the 13 ms that a receipt may take (p99). */
const paceMs = 6
/** For a call that may wait, as on the embedded log: what it adds to the way of an alarm. */
const patienceMs = 10
/** So much does not wait: a stage that catches up must not be slowed. */
const patientBytesMax = 64 << 10

interface Call {
  records: KafkaRecord[]
  bytes: number
  /** Records that are durable. */
  done: number
  first: number
  resolve(first: number): void
  reject(error: Error): void
}

interface Lane extends At {
  queue: Call[]
  isBusy: boolean
  /** Less than `batchBytesMax` where the topic's own bound is lower. */
  batchBytesMax: number
}

export interface WriterOptions {
  client: KafkaClient
  clock: Clock
  batchBytesMax: number
  queueBytesMax: number
  deliveryMs: number
  refresh(failure: KafkaFailure): Promise<void>
  onDurable(batch: Batch, produced: Produced): void
  onFailure(failure: KafkaFailure, isFinal: boolean): void
  /** What a caller is told. */
  toError(failure: KafkaFailure): MillraceError
}

export interface Writer {
  /** `mayWait`: a few ms do not matter. */
  append(at: At, records: KafkaRecord[], mayWait?: boolean): Promise<number>
  queuedBytes(): number
  /** Resolves when nothing waits and nothing is under way. */
  settled(): Promise<void>
  /** Refuses what waits and all that comes. */
  end(error: MillraceError): void
}

export function createWriter(options: WriterOptions): Writer {
  const { client, clock } = options
  const lanes = new Map<string, Lane>()
  const ready = new Set<Lane>()
  const idle: (() => void)[] = []
  let queuedBytes = 0
  /** When the next request goes; Infinity: none is due. */
  let dueMs = Number.POSITIVE_INFINITY
  let cancelDue = () => {}
  let sentMs = Number.NEGATIVE_INFINITY
  let ended: MillraceError | undefined

  function append(at: At, records: KafkaRecord[], mayWait = false): Promise<number> {
    if (ended) return Promise.reject(ended)
    const bytes = bytesOf(records)
    if (queuedBytes > 0 && queuedBytes + bytes > options.queueBytesMax)
      return Promise.reject(new MillraceError('LOG_BUSY', { bytesMax: options.queueBytesMax }))
    queuedBytes += bytes
    const lane = laneOf(at)
    return new Promise((resolve, reject) => {
      lane.queue.push({ records, bytes, done: 0, first: -1, resolve, reject })
      wake(lane, mayWait && bytes < patientBytesMax ? patienceMs : 0)
    })
  }

  function laneOf({ topic, partition }: At): Lane {
    const key = keyOf({ topic, partition })
    let lane = lanes.get(key)
    if (!lane) {
      lane = { topic, partition, queue: [], isBusy: false, batchBytesMax: options.batchBytesMax }
      lanes.set(key, lane)
    }
    return lane
  }

  function wake(lane: Lane, waitMs: number): void {
    if (lane.isBusy || lane.queue.length === 0) return
    if (ended) return drop(lane, ended)
    ready.add(lane)
    const nowMs = clock.monotonic()
    const goMs = Math.max(nowMs + waitMs, sentMs + paceMs)
    if (goMs >= dueMs) return
    cancelDue()
    dueMs = goMs
    cancelDue = goMs > nowMs ? clock.after(goMs - nowMs, sendReady) : atEndOfTurn(sendReady)
  }

  /** All lanes that have something by now share the requests. */
  function sendReady(): void {
    dueMs = Number.POSITIVE_INFINITY
    sentMs = clock.monotonic()
    const formed = [...ready].filter(({ queue }) => queue.length > 0).map((lane) => ({ lane, ...form(lane, clock.now()) }))
    ready.clear()
    const promises = client.produce(formed.map(({ batch }) => batch))
    formed.forEach(({ lane, batch, calls }, k) => {
      lane.isBusy = true
      void deliver(lane, batch, calls, promises[k]!).finally(() => {
        lane.isBusy = false
        wake(lane, 0)
        tellIdle()
      })
    })
    tellIdle()
  }

  function tellIdle(): void {
    if (idle.length > 0 && isIdle()) for (const call of idle.splice(0)) call()
  }

  async function deliver(lane: Lane, batch: Batch, calls: Call[], sending: Promise<Produced>): Promise<void> {
    const beganMs = clock.monotonic()
    for (let failures = 1; ; failures++) {
      try {
        const produced = await sending
        options.onDurable(batch, produced)
        return settle(lane, calls, batch.records.length, produced.first)
      } catch (error) {
        const failure = error instanceof KafkaFailure ? error : new KafkaFailure('INTERNAL', false, `${error}`, error)
        const isFinal = ended !== undefined || !failure.retry || clock.monotonic() - beganMs > options.deliveryMs
        options.onFailure(failure, isFinal)
        if (isFinal) return refuse(lane, batch, calls, failure)
        await sleep(clock, pauseAfter(failures))
        await options.refresh(failure)
        sending = client.produce([batch])[0]!
      }
    }
  }

  function settle(lane: Lane, calls: Call[], count: number, first: number): void {
    let left = count
    for (const call of calls) {
      const taken = Math.min(left, call.records.length - call.done)
      if (call.done === 0) call.first = first + count - left
      call.done += taken
      left -= taken
      if (call.done < call.records.length) continue
      remove(lane, call)
      call.resolve(call.first)
    }
  }

  function refuse(lane: Lane, batch: Batch, calls: Call[], failure: KafkaFailure): void {
    client.abandon(batch)
    const isTooLarge = failure.name === 'MESSAGE_TOO_LARGE' || failure.name === 'RECORD_LIST_TOO_LARGE'
    if (isTooLarge && batch.records.length > 1) {
      lane.batchBytesMax = Math.max(1024, Math.floor(Math.min(lane.batchBytesMax, bytesOf(batch.records)) / 2))
      return
    }
    for (const call of calls) {
      remove(lane, call)
      call.reject(ended ?? options.toError(failure))
    }
  }

  function remove(lane: Lane, call: Call): void {
    lane.queue.splice(lane.queue.indexOf(call), 1)
    queuedBytes -= call.bytes
  }

  function drop(lane: Lane, error: MillraceError): void {
    for (const call of [...lane.queue]) {
      remove(lane, call)
      call.reject(error)
    }
  }

  const isIdle = () => queuedBytes === 0 && ready.size === 0 && [...lanes.values()].every(({ isBusy }) => !isBusy)

  return {
    append,
    queuedBytes: () => queuedBytes,
    settled() {
      if (isIdle()) return Promise.resolve()
      return new Promise((resolve) => idle.push(resolve))
    },
    end(error) {
      ended = error
      for (const lane of lanes.values()) if (!lane.isBusy) drop(lane, error)
    },
  }
}

function atEndOfTurn(call: () => void): () => void {
  const immediate = setImmediate(call)
  return () => clearImmediate(immediate)
}

/** The next batch: calls from the front of the lane, or a part of the first. */
function form(lane: Lane, timeMs: number): { batch: Batch; calls: Call[] } {
  const records: KafkaRecord[] = []
  const calls: Call[] = []
  let bytes = 0
  for (const call of lane.queue) {
    let k = call.done
    for (; k < call.records.length; k++) {
      bytes += bytesOfOne(call.records[k]!)
      if (records.length > 0 && bytes > lane.batchBytesMax) break
      records.push(call.records[k]!)
    }
    if (k > call.done || call.records.length === 0) calls.push(call)
    if (k < call.records.length) break
  }
  return { batch: { topic: lane.topic, partition: lane.partition, records, timeMs }, calls }
}

/** With an estimate of what the headers take. */
const bytesOfOne = ({ key, value, source }: KafkaRecord) => key.length + (value?.length ?? 0) + (source ? 320 : 32)

function bytesOf(records: KafkaRecord[]): number {
  let bytes = 0
  for (const record of records) bytes += bytesOfOne(record)
  return bytes
}
