/**
 * Runs any stage, on any log, so that outputs appear exactly once:
 *
 * 1. Load the newest snapshot and read the input again from there, making the same outputs again.
 * 2. Commit the outputs of a hand-over, in order, as one step; the next hand-over waits until that step is durable.
 *    A failure ends the session, and the next one resumes from the snapshot.
 * 3. This reader skips repeats in its input (marks). The embedded log skips outputs that it already holds; on Kafka they stand there again.
 * 4. A snapshot at n is in the same step as, or after, every output up to n.
 */
import { type Topic, topics } from '@millrace/contract'
import { type Clock, type Log as Logger, type Metrics, MillraceError } from '@millrace/platform'
import type { Log, LogRecord, NewRecord, Snapshot, StageCommit } from '../log/log.ts'
import { type Marks, pass } from './marks.ts'
import { follow } from './reader.ts'
import { runSessions } from './sessions.ts'
import type { Stage } from './stage.ts'
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
  /** Ends after the step under way, with a last snapshot. */
  stop(): Promise<void>
  /** Rejects when the stage cannot go on: its input is gone, or its state cannot be read. */
  failed: Promise<never>
}

export interface Progress {
  name: string
  partition: number
  next: number
  end: number
  lagMs: number
  received: number
  sent: number
  repeats: number
}

export function runStage<State>(stage: Stage<State>, partition: number, options: RunnerOptions, context: StageContext): StageRun {
  const { log, clock, logger, metrics } = context
  const stopping = new AbortController()
  const at: Progress = { name: stage.name, partition, next: 0, end: 0, lagMs: 0, received: 0, sent: 0, repeats: 0 }
  let newestTakenMs = 0
  const received = metrics.counter('millrace_stage_received_total', 'Records a stage took')
  const sent = metrics.counter('millrace_stage_sent_total', 'Records a stage made')
  const repeats = metrics.counter(
    'millrace_stage_repeats_total',
    'Records that a stage had taken before, from a zombie or after a takeover',
  )
  const errors = metrics.counter('millrace_stage_errors_total', 'Sessions of a stage that ended by an error')
  const unsubscribe = log.onAppend(stage.input, (changed, end) => {
    if (changed === partition) at.end = Math.max(at.end, end)
  })

  async function session(): Promise<void> {
    const { state, marks, next } = await restore(stage, log, partition)
    at.next = next
    at.end = Math.max(at.end, (await log.bounds(stage.input, partition)).end)
    await log.registerReader(stage.name, stage.input, partition, next)
    const turnOver = createTurns(clock)
    let sinceSnapshot = 0
    let snapshotMs = clock.monotonic()

    const take = async (records: LogRecord[], nextOffset: number) => {
      const outputs = await step(stage, { state, marks, records }, { log, partition, turnOver })
      sinceSnapshot += records.length
      const isDue = sinceSnapshot >= options.snapshotEveryRecords || clock.monotonic() - snapshotMs >= options.snapshotEveryMs
      const commit: StageCommit = { stage: stage.name, partition, outputs: outputs.groups }
      if (isDue) commit.snapshot = pack(stage, state, marks, nextOffset)
      if (isDue || outputs.groups.length > 0) await log.commit(commit)
      if (isDue) {
        await log.registerReader(stage.name, stage.input, partition, nextOffset)
        sinceSnapshot = 0
        snapshotMs = clock.monotonic()
      }
      at.next = nextOffset
      at.received += records.length
      at.sent += outputs.count
      at.repeats += outputs.repeats
      if (outputs.repeats > 0) repeats.add({ stage: stage.name }, outputs.repeats)
      newestTakenMs = records.at(-1)!.timeMs
      received.add({ stage: stage.name }, records.length)
      sent.add({ stage: stage.name }, outputs.count)
    }
    const limit = { records: options.stepRecords, bytes: options.stepBytes }
    await follow(log, { topic: stage.input, partition, from: next, limit }, take, stopping.signal)
    if (sinceSnapshot > 0)
      await log.commit({ stage: stage.name, partition, outputs: [], snapshot: pack(stage, state, marks, at.next) })
  }

  const running = runSessions(session, {
    clock,
    signal: stopping.signal,
    isMendable: (error) => error instanceof MillraceError && error.retry,
    failed(error) {
      errors.add({ stage: stage.name })
      logger.warn('stage resumes from its snapshot', { stage: stage.name, partition, error })
    },
  })
  return {
    progress: () => ({ ...at, lagMs: at.next < at.end && newestTakenMs > 0 ? Math.max(0, clock.now() - newestTakenMs) : 0 }),
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

/** State, marks and next offset from the newest snapshot. @throws MillraceError STAGE_INPUT_GONE when the log no longer holds what follows it. */
async function restore<State>(stage: Stage<State>, log: Log, partition: number) {
  const snapshot = await log.loadSnapshot(stage.name, partition)
  const { start } = await log.bounds(stage.input, partition)
  const next = snapshot?.next ?? 0
  if (next < start) throw new MillraceError('STAGE_INPUT_GONE', { stage: stage.name, topic: stage.input, wanted: next, start })
  return snapshot ? unpack(stage, snapshot) : { state: stage.initial(partition), marks: {} as Marks, next }
}

/** A record may be a message of thousands of readings: several of them are more than one turn. */
async function step<State>(
  stage: Stage<State>,
  { state, marks, records }: { state: State; marks: Marks; records: LogRecord[] },
  { log, partition, turnOver }: { log: Log; partition: number; turnOver: ReturnType<typeof createTurns> },
) {
  const groups: { topic: Topic; partition: number; records: NewRecord[] }[] = []
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
    stage.step(state, record, (topic, key, value) => {
      for (const to of key === null ? Array.from({ length: log.partitions }, (_, p) => p) : [log.partitionOf(key)]) {
        const output = { key: key ?? '', value, source: { log: log.id, partition, offset: record.offset, index: index++ } }
        const group = groups.find((g) => g.topic === topic && g.partition === to)
        if (group) group.records.push(output)
        else groups.push({ topic, partition: to, records: [output] })
        count++
      }
    })
  }
  return { groups, count, repeats }
}

/** Snapshot layout: u32 length of the marks' JSON, the marks, the stage's own bytes. */
function pack<State>(stage: Stage<State>, state: State, marks: Marks, next: number): Snapshot {
  const head = Buffer.from(JSON.stringify(marks))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(head.length)
  return { next, state: Buffer.concat([length, head, stage.encode(state)]) }
}

function unpack<State>(stage: Stage<State>, { next, state }: Snapshot) {
  const bytes = Buffer.from(state.buffer, state.byteOffset, state.length)
  const end = 4 + bytes.readUInt32BE(0)
  return { state: stage.decode(bytes.subarray(end)), marks: JSON.parse(bytes.toString('utf8', 4, end)) as Marks, next }
}
