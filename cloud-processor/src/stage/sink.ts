/**
 * Carries a topic's records into something outside the log (a store, the live page), in order, again and again until it
 * takes them. The sink says where to go on; it is idempotent or keeps its marks with its rows.
 */
import type { Topic } from '@millrace/contract'
import type { LogRecord } from '../log/log.ts'
import { follow } from './reader.ts'
import { type Around, type Progress, pause, type RunnerOptions } from './runner.ts'

export interface SinkOptions {
  name: string
  topic: Topic
  partition: number
  /** Next offset the sink wants; asked again after a failure. */
  position: () => Promise<number>
  write: (records: LogRecord[]) => Promise<void>
  /** Between two writes of a busy topic: each costs the same, however much is in it. Absent: none. */
  restMs?: number
  /** False for a sink that may miss what was trimmed, such as the live page. */
  holdsLog: boolean
}

export interface SinkRun {
  progress(): Progress
  stop(): Promise<void>
}

export function runSink(sink: SinkOptions, options: Pick<RunnerOptions, 'stepRecords' | 'stepBytes'>, around: Around): SinkRun {
  const { log, clock, lines, metrics } = around
  const stopping = new AbortController()
  const at: Progress = { name: sink.name, partition: sink.partition, next: 0, end: 0, lagMs: 0, received: 0, sent: 0, repeats: 0 }
  let newestTakenMs = 0
  const errors = metrics.counter('millrace_sink_errors_total', 'Writes that a sink refused and that were tried again')
  const unsubscribe = log.onAppend(sink.topic, (changed, end) => {
    if (changed === sink.partition) at.end = Math.max(at.end, end)
  })

  async function session(): Promise<void> {
    const from = await sink.position()
    at.next = from
    at.end = Math.max(at.end, (await log.bounds(sink.topic, sink.partition)).end)
    let registered = from
    if (sink.holdsLog) await log.registerReader(sink.name, sink.topic, sink.partition, from)
    const limit = { records: options.stepRecords, bytes: options.stepBytes }
    const take = async (records: LogRecord[], next: number) => {
      await sink.write(records)
      at.next = next
      at.received += records.length
      newestTakenMs = records.at(-1)!.timeMs
      if (sink.holdsLog && next - registered > 5000) {
        registered = next
        await log.registerReader(sink.name, sink.topic, sink.partition, next)
      }
    }
    const { topic, partition, restMs } = sink
    const rest = restMs === undefined ? {} : { rest: (signal: AbortSignal) => pause(clock, restMs, signal) }
    await follow(log, { topic, partition, from, limit, ...rest }, take, stopping.signal)
  }

  async function sessions(): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted; failures++) {
      try {
        return await session()
      } catch (error) {
        if (stopping.signal.aborted) return
        errors.add({ sink: sink.name })
        lines.warn('sink tries again', { sink: sink.name, partition: sink.partition, error })
        await pause(clock, Math.min(5000, 50 * 2 ** failures), stopping.signal)
      }
    }
  }

  const running = sessions()
  return {
    progress: () => ({ ...at, lagMs: at.next < at.end && newestTakenMs > 0 ? Math.max(0, clock.now() - newestTakenMs) : 0 }),
    async stop() {
      stopping.abort()
      unsubscribe()
      await running
    },
  }
}
