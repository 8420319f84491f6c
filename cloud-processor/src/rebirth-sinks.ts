/** Shows the leading bridge what is new on the timeline, of every partition: there `prepare` wishes for rebirths. */
import { topics } from '@millrace/contract'
import type { Rebirths } from './bridge/index.ts'
import type { LogRecord } from './log/index.ts'
import { type Around, type RunnerOptions, runSink } from './stage/index.ts'

/** A wish was waited for for seconds. */
const restMs = 500

export function followWishes(rebirths: Rebirths, options: RunnerOptions, around: Around): { stop(): Promise<void> } {
  const { log } = around
  const runs = Array.from({ length: log.partitions }, (_, partition) => {
    const position = async () => (await log.bounds(topics.timeline, partition)).end
    const write = async (records: LogRecord[]) => {
      for (const { value } of records) rebirths.see(value)
      return []
    }
    return runSink(
      { name: 'rebirths', topic: topics.timeline, partition, position, write, restMs, holdsLog: false },
      options,
      around,
    )
  })
  return {
    async stop() {
      await Promise.all(runs.map((run) => run.stop()))
    },
  }
}
