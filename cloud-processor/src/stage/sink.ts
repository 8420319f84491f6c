/**
 * Carries a topic's records into something outside the log (a store, the live page), in order, again and again until it
 * takes them. The sink says where to go on; it is idempotent, keeps its marks with its rows, or keeps them in the log.
 * What it refuses for good goes to the rejected topic before anything further is written.
 */
import { encodeJson, type RejectedRecord, type Topic, topics } from '@millrace/contract'
import type { Log, LogRecord, NewRecord, Snapshot } from '../log/log.ts'
import { follow } from './reader.ts'
import type { Progress, RunnerOptions, StageContext } from './runner.ts'
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
  const { name, topic, partition, restMs } = sink
  const stopping = new AbortController()
  const at: Progress = { name, partition, next: 0, end: 0, lagMs: 0, received: 0, sent: 0, repeats: 0 }
  let newestTakenMs = 0
  const errors = metrics.counter('millrace_sink_errors_total', 'Writes that a sink refused and that were tried again')
  const refusals = metrics.counter('millrace_sink_refused_total', 'Records of which a sink will never take a part')
  const unsubscribe = log.onAppend(topic, (changed, end) => {
    if (changed === partition) at.end = Math.max(at.end, end)
  })

  async function session(): Promise<void> {
    // Of a sink that keeps its position in the log: it may come back to what it kept last, which lies behind what it took.
    let kept: number | undefined
    const seeKept = (next: number) => {
      kept = next
    }
    const from = await sink.position(keptIn(log, name, partition, seeKept))
    at.next = from
    at.end = Math.max(at.end, (await log.bounds(topic, partition)).end)
    let registered = from
    if (sink.holdsLog) await log.registerReader(name, topic, partition, from)
    const limit = { records: options.stepRecords, bytes: options.stepBytes }
    const turnOver = createTurns(clock)
    const take = async (records: LogRecord[], next: number) => {
      await turnOver()
      const refused = await sink.write(records)
      if (refused.length > 0) {
        refusals.add({ sink: name }, refused.length)
        await log.commit(rejection(log, name, partition, refused))
      }
      at.next = next
      at.received += records.length
      at.sent += refused.length
      newestTakenMs = records.at(-1)!.timeMs
      const needed = kept ?? next
      if (sink.holdsLog && needed - registered > 5000) {
        registered = needed
        await log.registerReader(name, topic, partition, needed)
      }
    }
    const rest = restMs === undefined ? {} : { rest: (signal: AbortSignal) => pause(clock, restMs, signal) }
    await follow(log, { topic, partition, from, limit, ...rest }, take, stopping.signal)
  }

  const running = runSessions(session, {
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
    progress: () => ({ ...at, lagMs: at.next < at.end && newestTakenMs > 0 ? Math.max(0, clock.now() - newestTakenMs) : 0 }),
    async stop() {
      stopping.abort()
      unsubscribe()
      await running
    },
  }
}

function keptIn(log: Log, name: string, partition: number, see: (next: number) => void): Kept {
  return {
    async load() {
      const snapshot = await log.loadSnapshot(name, partition)
      see(snapshot?.next ?? 0)
      return snapshot
    },
    async save(snapshot) {
      await log.commit({ stage: name, partition, outputs: [], snapshot })
      see(snapshot.next)
    },
  }
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
