/** What the page sees of the log: the timeline and rejections from now on, alarms from the start, so that open ones are known. */
import { type AlarmTopicRecord, decodeJson, type TimelineRecord, type Topic, topics } from '@millrace/contract'
import type { LogRecord } from './log/index.ts'
import { createRejectedCount } from './rejected-count.ts'
import { type Around, type Marks, type Progress, pass, type RunnerOptions, runSink } from './stage/index.ts'
import type { createStatus } from './status.ts'
import type { Web } from './web/index.ts'

/** The page draws its live values every 100 ms. */
const restMs = 30
/** Shown in one turn of the event loop. */
const showBytes = 512 << 10

export interface PageRun {
  progress(): Progress[]
  stop(): Promise<void>
}

interface PageSinks {
  web: Web
  status: ReturnType<typeof createStatus>
  options: RunnerOptions
  around: Around
}

export function followForPage({ web, status, options, around }: PageSinks): PageRun {
  const { log, metrics } = around
  const limits = { ...options, stepBytes: Math.min(options.stepBytes, showBytes) }
  const countRejected = createRejectedCount(metrics)
  const runs = Array.from({ length: log.partitions }, (_, partition) => [
    live('page', topics.timeline, partition, 'end', (records) => {
      const timeline = records.map(({ value }) => decodeJson<TimelineRecord>(value))
      status.see(timeline)
      web.onTimeline(timeline)
    }),
    live('page-rejected', topics.rejected, partition, 'end', countRejected),
    live('page-alarms', topics.alarms, partition, 'start', (records) =>
      web.onAlarms(records.map(({ value }) => decodeJson<AlarmTopicRecord>(value))),
    ),
  ]).flat()

  function live(name: string, topic: Topic, partition: number, from: 'start' | 'end', show: (records: LogRecord[]) => void) {
    const marks: Marks = {}
    const position = async () => (await log.bounds(topic, partition))[from]
    const write = async (records: LogRecord[]) => {
      show(records.filter(({ source }) => pass(marks, source)))
      return []
    }
    return runSink({ name, topic, partition, position, write, restMs, holdsLog: false }, limits, around)
  }

  return {
    progress: () => runs.map((run) => run.progress()),
    async stop() {
      await Promise.all(runs.map((run) => run.stop()))
    },
  }
}
