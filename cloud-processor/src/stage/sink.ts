/**
 * Carries a topic's records into something outside the log (a store, the live page), in order, again and again until it
 * takes them. The sink says where to go on; it is idempotent, keeps its marks with its rows, or keeps them in the log.
 * What it refuses for good goes to the rejected topic before anything further is written.
 */
import { encodeJson, type RejectedRecord, type Topic, topics } from '@millrace/contract'
import type { Counter } from '@millrace/platform'
import { isSnapshotDamaged } from '../log/damage.ts'
import type { Log, LogRecord, NewRecord, Snapshot } from '../log/log.ts'
import { type Progress, ProgressCount } from './progress.ts'
import { follow } from './reader.ts'
import type { RunnerOptions, StageContext } from './runner.ts'
import { pause, runSessions } from './sessions.ts'
import { createTurns } from './turn.ts'

/** Where a sink without a durable place of its own keeps its position, marks and counts: in the log's snapshots. */
export interface Kept {
  load(): Promise<Snapshot | undefined>
  /** Durable when resolved. */
  save(snapshot: Snapshot): Promise<void>
}

/** What a sink will never take of the record at `offset`. */
export interface Refused {
  offset: number
  rejected: RejectedRecord
}

export interface SinkOptions {
  name: string
  topic: Topic
  partition: number
  /** Next offset the sink wants; asked again after a failure. */
  position: (kept: Kept) => Promise<number>
  /** Returns what will never be taken; all else is durable, or as durable as the sink makes it. */
  write: (records: LogRecord[]) => Promise<Refused[]>
  /** Between two writes of a busy topic: each costs the same, however much is in it. Absent: none. */
  restMs?: number
  /** The log keeps what follows; absent: what follows what was written, or the position that is kept. */
  needed?: () => number
  /** False for a sink that may miss what was trimmed, such as the live page. */
  holdsLog: boolean
}

export interface SinkRun {
  progress(): Progress
  stop(): Promise<void>
}

export function runSink(
  sink: SinkOptions,
  options: Pick<RunnerOptions, 'stepRecords' | 'stepBytes'>,
  context: StageContext,
): SinkRun {
  const { log, clock, logger, metrics } = context
  const { name, topic, partition } = sink
  const stopping = new AbortController()
  const runner = new SinkRunner(sink, options, context)
  const errors = metrics.counter('millrace_sink_errors_total', 'Writes that a sink refused and that were tried again')
  const unsubscribe = log.onAppend(topic, (changed, end) => {
    if (changed === partition) runner.at.seeEnd(end)
  })
  const running = runSessions(() => runner.session(stopping.signal), {
    clock,
    signal: stopping.signal,
    isMendable: () => true,
    failed(error) {
      if (stopping.signal.aborted) return
      errors.add({ sink: name })
      logger.warn('sink tries again', { sink: name, partition, error })
    },
  })
  return {
    progress: () => runner.at.view(),
    async stop() {
      stopping.abort()
      unsubscribe()
      await running
    },
  }
}

/** Records that a reader may be ahead of what it has told the log. */
const toldEvery = 5000

class SinkRunner {
  readonly #sink: SinkOptions
  readonly #limit: { records: number; bytes: number }
  readonly #context: StageContext
  readonly #refusals: Counter
  readonly at: ProgressCount
  /** Of a sink that keeps its position in the log: it may come back to what it kept last, which lies behind what it took. */
  #kept: number | undefined
  /** What the log was told: it keeps what follows. */
  #told = 0

  constructor(sink: SinkOptions, options: Pick<RunnerOptions, 'stepRecords' | 'stepBytes'>, context: StageContext) {
    const { name, partition } = sink
    this.#sink = sink
    this.#limit = { records: options.stepRecords, bytes: options.stepBytes }
    this.#context = context
    this.#refusals = context.metrics.counter('millrace_sink_refused_total', 'Records of which a sink will never take a part')
    this.at = new ProgressCount(name, partition, context.clock)
  }

  /** From where the sink wants to go on until `signal` aborts. @throws what ends it before */
  async session(signal: AbortSignal): Promise<void> {
    const { log, clock } = this.#context
    const { name, topic, partition, restMs, holdsLog } = this.#sink
    this.#kept = undefined
    const seeKept = (next: number) => {
      this.#kept = next
    }
    const from = await this.#sink.position(keptIn(log, name, partition, seeKept))
    this.at.next = from
    // It may go on ahead of what it has kept for good.
    this.#told = Math.min(from, this.#kept ?? from)
    this.at.seeEnd((await log.bounds(topic, partition)).end)
    if (holdsLog) await log.registerReader(name, topic, partition, this.#told)
    const turnOver = createTurns(clock)
    const take = async (records: LogRecord[], next: number) => {
      await turnOver()
      await this.#take(records, next)
    }
    const rest = restMs === undefined ? {} : { rest: (signal: AbortSignal) => pause(clock, restMs, signal) }
    await follow(log, { topic, partition, from, limit: this.#limit, ...rest }, take, signal)
  }

  async #take(records: LogRecord[], next: number): Promise<void> {
    const { log } = this.#context
    const { name, partition, topic } = this.#sink
    const given =
      topic === topics.timeline || !records.some(({ damage }) => damage) ? records : records.filter(({ damage }) => !damage)
    const refused = given.length === 0 ? [] : await this.#sink.write(given)
    if (refused.length > 0) {
      this.#refusals.add({ sink: name }, refused.length)
      await log.commit(rejection(log, name, partition, refused))
    }
    this.at.next = next
    this.at.received += records.length
    this.at.sent += refused.length
    this.at.newestTakenMs = records.at(-1)!.timeMs
    await this.#tell(this.#sink.needed?.() ?? this.#kept ?? next)
  }

  async #tell(needed: number): Promise<void> {
    const { name, topic, partition, holdsLog } = this.#sink
    if (!holdsLog || needed - this.#told <= toldEvery) return
    this.#told = needed
    await this.#context.log.registerReader(name, topic, partition, needed)
  }
}

function keptIn(log: Log, name: string, partition: number, see: (next: number) => void): Kept {
  return {
    async load() {
      const snapshot = await log.loadSnapshot(name, partition).catch(noneIfDamaged)
      see(snapshot?.next ?? 0)
      return snapshot
    },
    async save(snapshot) {
      await log.commit({ stage: name, partition, outputs: [], snapshot })
      see(snapshot.next)
    },
  }
}

/** The log says so: the sink begins as one that has kept nothing. */
function noneIfDamaged(error: unknown): undefined {
  if (!isSnapshotDamaged(error)) throw error
}

/** Its source log is the sink's own name for the log: offsets of its input topic are not those that `prepare` read. */
function rejection(log: Log, name: string, partition: number, refused: Refused[]) {
  const byPartition = new Map<number, NewRecord[]>()
  let index = 0
  refused.forEach(({ offset, rejected }, k) => {
    index = offset === refused[k - 1]?.offset ? index + 1 : 0
    const key = rejected.node ?? rejected.device ?? ''
    const to = log.partitionOf(key)
    const source = { log: `${log.id}/${name}`, partition, offset, index }
    const records = byPartition.get(to) ?? []
    byPartition.set(to, [...records, { key, value: encodeJson(rejected), source }])
  })
  const outputs = [...byPartition].map(([to, records]) => ({ topic: topics.rejected, partition: to, records }))
  return { stage: name, partition, outputs }
}
