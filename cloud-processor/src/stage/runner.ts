/**
 * Runs any stage, on any log, so that outputs appear exactly once:
 *
 * 1. Load the newest snapshot and read the input again from there, making the same outputs again.
 * 2. Commit the outputs of a hand-over, in order, as one step; the next hand-over waits until that step is durable.
 *    A failure ends the session, and the next one resumes from the snapshot.
 * 3. This reader skips repeats in its input (marks). The embedded log skips outputs that it already holds; on Kafka they are appended again.
 * 4. A snapshot at n is in the same step as, or after, every output up to n.
 */
import { type Topic, topics } from '@millrace/contract'
import { type Clock, type Counter, type Log as Logger, type Metrics, MillraceError } from '@millrace/platform'
import { damageError, inPlaceOf, isSnapshotDamaged } from '../log/damage.ts'
import type { Log, LogRecord, NewRecord, Snapshot, StageCommit } from '../log/log.ts'
import { type Marks, pass } from './marks.ts'
import { type Progress, ProgressCount } from './progress.ts'
import { follow } from './reader.ts'
import { runSessions } from './sessions.ts'
import type { Emit, Stage } from './stage.ts'
import { createTurns } from './turn.ts'

export interface RunnerOptions {
  /** Input records in one step. */
  stepRecords: number
  stepBytes: number
  snapshotEveryRecords: number
  /** A snapshot is also written at the first step after this long. */
  snapshotEveryMs: number
}

export const runnerDefaults: RunnerOptions = {
  stepRecords: 500,
  stepBytes: 4 << 20,
  snapshotEveryRecords: 20_000,
  snapshotEveryMs: 30_000,
}

/** What is context a stage; all of it is passed in, so that simulation can own it. */
export interface StageContext {
  log: Log
  clock: Clock
  logger: Logger
  metrics: Metrics
}

export interface StageRun {
  /** How far it is: `lagMs` is the age of the newest record taken while more wait, else 0. */
  progress(): Progress
  /** Ends after the current step, with a last snapshot. */
  stop(): Promise<void>
  /** Rejects when the stage cannot go on: its input is gone, or its state cannot be read. */
  failed: Promise<never>
}

export function runStage<State>(stage: Stage<State>, partition: number, options: RunnerOptions, context: StageContext): StageRun {
  const { log, clock, logger, metrics } = context
  const stopping = new AbortController()
  const runner = new StageRunner(stage, partition, options, context)
  const errors = metrics.counter('millrace_stage_errors_total', 'Sessions of a stage that ended by an error')
  const unsubscribe = log.onAppend(stage.input, (changed, end) => {
    if (changed === partition) runner.at.seeEnd(end)
  })
  const running = runSessions(() => runner.session(stopping.signal), {
    clock,
    signal: stopping.signal,
    isMendable: (error) => error instanceof BadInput || (error instanceof MillraceError && error.retry),
    failed(error) {
      errors.add({ stage: stage.name })
      if (error instanceof BadInput) return runner.leaveOut(error)
      logger.warn('stage resumes from its snapshot', { stage: stage.name, partition, error })
    },
  })
  return {
    progress: () => runner.at.view(),
    failed: running.then(
      () => new Promise<never>(() => {}),
      (error) => Promise.reject(error),
    ),
    async stop() {
      stopping.abort()
      unsubscribe()
      await running.catch(() => {})
    },
  }
}

/** What one session has made of the input so far. */
interface Session<State> {
  state: State
  marks: Marks
  /** Not in a snapshot yet. */
  records: number
  snapshotMs: number
  turnOver: ReturnType<typeof createTurns>
}

/** A record that the stage cannot use. What it has changed of the state is undone by going back to the snapshot. */
class BadInput extends Error {
  readonly record: LogRecord
  constructor(record: LogRecord, cause: unknown) {
    super(`${cause}`, { cause })
    this.record = record
  }
}

class StageRunner<State> {
  readonly #stage: Stage<State>
  readonly #partition: number
  readonly #options: RunnerOptions
  readonly #context: StageContext
  readonly at: ProgressCount
  /** By offset: what stands in the place of records that the stage cannot use. */
  readonly #leftOut = new Map<number, LogRecord>()
  readonly #received: Counter
  readonly #sent: Counter
  readonly #repeats: Counter

  constructor(stage: Stage<State>, partition: number, options: RunnerOptions, context: StageContext) {
    const { metrics } = context
    this.#stage = stage
    this.#partition = partition
    this.#options = options
    this.#context = context
    this.at = new ProgressCount(stage.name, partition, context.clock)
    this.#received = metrics.counter('millrace_stage_received_total', 'Records a stage took')
    this.#sent = metrics.counter('millrace_stage_sent_total', 'Records a stage made')
    this.#repeats = metrics.counter(
      'millrace_stage_repeats_total',
      'Records that a stage had taken before, from a zombie or after a takeover',
    )
  }

  /** From the newest snapshot until `signal` aborts, with a last snapshot. @throws what ends it before */
  async session(signal: AbortSignal): Promise<void> {
    const { log, clock } = this.#context
    const { name, input } = this.#stage
    const partition = this.#partition
    const { state, marks, next } = await restore(this.#stage, this.#context, partition)
    this.at.next = next
    this.at.seeEnd((await log.bounds(input, partition)).end)
    await log.registerReader(name, input, partition, next)
    const session = { state, marks, records: 0, snapshotMs: clock.monotonic(), turnOver: createTurns(clock) }
    const limit = { records: this.#options.stepRecords, bytes: this.#options.stepBytes }
    const take = (records: LogRecord[], nextOffset: number) => this.#take(session, records, nextOffset)
    await follow(log, { topic: input, partition, from: next, limit }, take, signal)
    if (session.records > 0)
      await log.commit({ stage: name, partition, outputs: [], snapshot: pack(this.#stage, state, marks, this.at.next) })
  }

  /** As what the log itself cannot read: one bad record harms only itself. */
  leaveOut({ record, message }: BadInput): void {
    const { log, logger } = this.#context
    const { offset, timeMs } = record
    const place = { topic: this.#stage.input, partition: this.#partition, from: offset, to: offset + 1 }
    const damage = { ...place, fromMs: timeMs, toMs: timeMs, detail: message }
    this.#leftOut.set(offset, inPlaceOf(damage))
    logger.error('a record cannot be used and is left out', { stage: this.#stage.name, error: damageError(log.id, damage) })
  }

  async #take(session: Session<State>, given: LogRecord[], next: number): Promise<void> {
    const records = this.#leftOut.size === 0 ? given : given.map((record) => this.#leftOut.get(record.offset) ?? record)
    const outputs = await step(this.#stage, session, records, { log: this.#context.log, partition: this.#partition })
    session.records += records.length
    await this.#commit(session, outputs.groups, next)
    this.#count(records, outputs)
    this.at.next = next
  }

  async #commit(session: Session<State>, outputs: StageCommit['outputs'], next: number): Promise<void> {
    const { log, clock } = this.#context
    const { snapshotEveryRecords, snapshotEveryMs } = this.#options
    const { name, input } = this.#stage
    const commit: StageCommit = { stage: name, partition: this.#partition, outputs }
    const isDue = session.records >= snapshotEveryRecords || clock.monotonic() - session.snapshotMs >= snapshotEveryMs
    if (isDue) commit.snapshot = pack(this.#stage, session.state, session.marks, next)
    if (isDue || outputs.length > 0) await log.commit(commit)
    if (!isDue) return
    await log.registerReader(name, input, this.#partition, next)
    session.records = 0
    session.snapshotMs = clock.monotonic()
  }

  #count(records: LogRecord[], { count, repeats }: Outputs): void {
    const stage = this.#stage.name
    this.at.received += records.length
    this.at.sent += count
    this.at.repeats += repeats
    if (repeats > 0) this.#repeats.add({ stage }, repeats)
    this.at.newestTakenMs = records.at(-1)!.timeMs
    this.#received.add({ stage }, records.length)
    this.#sent.add({ stage }, count)
  }
}

interface Restored<State> {
  state: State
  marks: Marks
  next: number
}

/**
 * From the newest snapshot that can be read; where there are some and none can, from the start of the log. @throws MillraceError
 * STAGE_INPUT_GONE when the log no longer holds what follows it.
 */
export async function restore<State>(
  stage: Stage<State>,
  { log, logger }: Pick<StageContext, 'log' | 'logger'>,
  partition: number,
): Promise<Restored<State>> {
  const { start } = await log.bounds(stage.input, partition)
  try {
    const snapshot = await log.loadSnapshot(stage.name, partition)
    const next = snapshot?.next ?? 0
    if (next < start) throw new MillraceError('STAGE_INPUT_GONE', { stage: stage.name, topic: stage.input, wanted: next, start })
    return snapshot ? unpack(stage, snapshot, { path: log.id, partition }) : { state: stage.initial(partition), marks: {}, next }
  } catch (error) {
    if (!isSnapshotDamaged(error)) throw error
    logger.error('a stage begins at the start of the log', { stage: stage.name, partition, error })
    return { state: stage.initial(partition), marks: {}, next: start }
  }
}

interface Outputs {
  groups: { topic: Topic; partition: number; records: NewRecord[] }[]
  count: number
  repeats: number
}

/** A record may be a message of thousands of readings: several of them are more than one turn. */
async function step<State>(
  stage: Stage<State>,
  { state, marks, turnOver }: Session<State>,
  records: LogRecord[],
  { log, partition }: { log: Log; partition: number },
): Promise<Outputs> {
  const groups: Outputs['groups'] = []
  let count = 0
  let repeats = 0
  for (const record of records) {
    const pause = turnOver()
    if (pause) await pause
    if (stage.input !== topics.raw && !pass(marks, record.source)) {
      repeats++
      continue
    }
    let index = 0
    const emit = (topic: Topic, key: string | null, value: Uint8Array) => {
      for (const to of key === null ? Array.from({ length: log.partitions }, (_, p) => p) : [log.partitionOf(key)]) {
        const output = { key: key ?? '', value, source: { log: log.id, partition, offset: record.offset, index: index++ } }
        const group = groups.find((g) => g.topic === topic && g.partition === to)
        if (group) group.records.push(output)
        else groups.push({ topic, partition: to, records: [output] })
        count++
      }
    }
    use(stage, state, record, emit)
  }
  return { groups, count, repeats }
}

/** @throws BadInput what the stage throws at a record that is not left out yet. */
function use<State>(stage: Stage<State>, state: State, record: LogRecord, emit: Emit): void {
  try {
    stage.step(state, record, emit)
  } catch (cause) {
    throw record.damage || cause instanceof MillraceError ? cause : new BadInput(record, cause)
  }
}

/** Snapshot layout: u32 length of the marks' JSON, the marks, the stage's own bytes. */
function pack<State>(stage: Stage<State>, state: State, marks: Marks, next: number): Snapshot {
  const head = Buffer.from(JSON.stringify(marks))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(head.length)
  return { next, state: Buffer.concat([length, head, stage.encode(state)]) }
}

/** @throws MillraceError LOG_SNAPSHOT_DAMAGED. Of a snapshot without a checksum the bytes may be wrong. */
function unpack<State>(
  stage: Stage<State>,
  { next, state }: Snapshot,
  where: { path: string; partition: number },
): Restored<State> {
  const bytes = Buffer.from(state.buffer, state.byteOffset, state.length)
  try {
    const end = 4 + bytes.readUInt32BE(0)
    return { state: stage.decode(bytes.subarray(end)), marks: JSON.parse(bytes.toString('utf8', 4, end)) as Marks, next }
  } catch (cause) {
    // A stage says in an error of its own that one is of a newer version.
    if (!(cause instanceof SyntaxError || cause instanceof RangeError)) throw cause
    throw new MillraceError('LOG_SNAPSHOT_DAMAGED', { ...where, stage: stage.name, detail: `${cause}` }, cause)
  }
}
