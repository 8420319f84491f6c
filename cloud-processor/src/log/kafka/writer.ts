/**
 * Writes to partitions. What waits for one partition goes together in the next batch; one batch of a partition is in flight at a
 * time, and the same batch is sent again, with the same sequence, until it is durable or its time is over. So the records of a
 * partition keep the order of the calls, and nothing of a call is sent after a part of it that failed.
 *
 * A request costs the same however little is in it, so requests keep a pace, and calls that may linger wait for others.
 *
 *   append ─► queue of the partition ─► batch (≤ batchBytesMax) ─┬─► one request for each node ─► durable ─► callers
 *                                       batch of another queue ──┘
 */
import { type Clock, MillraceError } from '@millrace/platform'
import { type At, type Batch, type KafkaClient, KafkaFailure, type KafkaRecord, keyOf, type Produced } from './client.ts'
import { pauseAfter, sleep } from './retry.ts'
import { bytesOf, type Call, WriteQueue } from './write-queue.ts'

/** Between two requests at least: what comes in this time shares the next one. Well below the 13 ms that a receipt may take (p99). */
const paceMs = 6
/** For a call that may linger, as on the embedded log: what it adds to the way of an alarm. */
const lingerMs = 10
/** So much does not linger: a stage that catches up must not be slowed. */
const lingerBytesMax = 64 << 10

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
  /** `mayLinger`: a few ms do not matter. */
  append(at: At, records: KafkaRecord[], mayLinger?: boolean): Promise<number>
  queuedBytes(): number
  /** Resolves when nothing waits and nothing is in flight. */
  idle(): Promise<void>
  /** Refuses what waits and all that comes. */
  end(error: MillraceError): void
}

export function createWriter(options: WriterOptions): Writer {
  const writer = new PartitionWriter(options)
  return {
    append: (at, records, mayLinger = false) => writer.append(at, records, mayLinger),
    queuedBytes: () => writer.queuedBytes,
    idle: () => writer.idle(),
    end: (error) => writer.end(error),
  }
}

class PartitionWriter {
  queuedBytes = 0
  readonly #options: WriterOptions
  readonly #queues = new Map<string, WriteQueue>()
  /** Those whose next batch may go. */
  readonly #ready = new Set<WriteQueue>()
  readonly #onIdle: (() => void)[] = []
  /** When the next request goes; Infinity: none is due. */
  #dueMs = Number.POSITIVE_INFINITY
  #cancelDue = () => {}
  #sentMs = Number.NEGATIVE_INFINITY
  #ended: MillraceError | undefined

  constructor(options: WriterOptions) {
    this.#options = options
  }

  append(at: At, records: KafkaRecord[], mayLinger: boolean): Promise<number> {
    const { queueBytesMax } = this.#options
    if (this.#ended) return Promise.reject(this.#ended)
    const bytes = bytesOf(records)
    if (this.queuedBytes > 0 && this.queuedBytes + bytes > queueBytesMax)
      return Promise.reject(new MillraceError('LOG_BUSY', { bytesMax: queueBytesMax }))
    this.queuedBytes += bytes
    const queue = this.#queueOf(at)
    const appended = queue.add(records, bytes)
    this.#wake(queue, mayLinger && bytes < lingerBytesMax ? lingerMs : 0)
    return appended
  }

  #queueOf({ topic, partition }: At): WriteQueue {
    const key = keyOf({ topic, partition })
    let queue = this.#queues.get(key)
    if (!queue) {
      queue = new WriteQueue({ topic, partition }, this.#options.batchBytesMax)
      this.#queues.set(key, queue)
    }
    return queue
  }

  #wake(queue: WriteQueue, waitMs: number): void {
    if (queue.isBusy || queue.isEmpty()) return
    if (this.#ended) return this.#drop(queue, this.#ended)
    this.#ready.add(queue)
    const { clock } = this.#options
    const nowMs = clock.monotonic()
    const goMs = Math.max(nowMs + waitMs, this.#sentMs + paceMs)
    if (goMs >= this.#dueMs) return
    this.#cancelDue()
    this.#dueMs = goMs
    const send = () => this.#sendReady()
    this.#cancelDue = goMs > nowMs ? clock.after(goMs - nowMs, send) : atEndOfTurn(send)
  }

  /** All queues that have something by now share the requests. */
  #sendReady(): void {
    const { client, clock } = this.#options
    this.#dueMs = Number.POSITIVE_INFINITY
    this.#sentMs = clock.monotonic()
    const formed = [...this.#ready].filter((queue) => !queue.isEmpty()).map((queue) => ({ queue, ...queue.form(clock.now()) }))
    this.#ready.clear()
    const sending = client.produce(formed.map(({ batch }) => batch))
    formed.forEach(({ queue, ...part }, k) => {
      queue.isBusy = true
      void this.#deliver(queue, part, sending[k]!).finally(() => {
        queue.isBusy = false
        this.#wake(queue, 0)
        this.#tellIdle()
      })
    })
    this.#tellIdle()
  }

  async #deliver(queue: WriteQueue, { batch, calls }: { batch: Batch; calls: Call[] }, first: Promise<Produced>): Promise<void> {
    const { client, clock, deliveryMs, refresh, onDurable, onFailure } = this.#options
    const beganMs = clock.monotonic()
    for (let failures = 1, sending = first; ; failures++, sending = client.produce([batch])[0]!) {
      try {
        const produced = await sending
        onDurable(batch, produced)
        this.queuedBytes -= queue.resolve(calls, batch.records.length, produced.first)
        return
      } catch (error) {
        const failure = error instanceof KafkaFailure ? error : new KafkaFailure('INTERNAL', false, `${error}`, error)
        const isFinal = this.#ended !== undefined || !failure.retry || clock.monotonic() - beganMs > deliveryMs
        onFailure(failure, isFinal)
        if (isFinal) return this.#refuse(queue, { batch, calls }, failure)
        await sleep(clock, pauseAfter(failures))
        await refresh(failure)
      }
    }
  }

  #refuse(queue: WriteQueue, { batch, calls }: { batch: Batch; calls: Call[] }, failure: KafkaFailure): void {
    this.#options.client.abandon(batch)
    const isTooLarge = failure.name === 'MESSAGE_TOO_LARGE' || failure.name === 'RECORD_LIST_TOO_LARGE'
    if (isTooLarge && queue.halve(batch)) return
    this.queuedBytes -= queue.reject(this.#ended ?? this.#options.toError(failure), calls)
  }

  #drop(queue: WriteQueue, error: MillraceError): void {
    this.queuedBytes -= queue.reject(error)
  }

  #isIdle(): boolean {
    return this.queuedBytes === 0 && this.#ready.size === 0 && [...this.#queues.values()].every(({ isBusy }) => !isBusy)
  }

  #tellIdle(): void {
    if (this.#onIdle.length > 0 && this.#isIdle()) for (const call of this.#onIdle.splice(0)) call()
  }

  idle(): Promise<void> {
    return this.#isIdle() ? Promise.resolve() : new Promise((resolve) => this.#onIdle.push(resolve))
  }

  end(error: MillraceError): void {
    this.#ended = error
    for (const queue of this.#queues.values()) if (!queue.isBusy) this.#drop(queue, error)
  }
}

function atEndOfTurn(call: () => void): () => void {
  const immediate = setImmediate(call)
  return () => clearImmediate(immediate)
}
