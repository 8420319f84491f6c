/** Carries what people search for into a document store: one partition of each of its topics. */

import type { LogRecord } from './log/index.ts'
import type { Run } from './members/index.ts'
import { type Around, type Kept, type RunnerOptions, runSink } from './stage/index.ts'
import type { DocumentStore } from './stores/index.ts'

/** How much is written again, under the same ids, after a crash: at most so many records, or so long. */
const keepEvery = { records: 5000, ms: 5000 }
/** One request carries what came meanwhile. */
const restMs = 200

export function runDocumentSinks(store: DocumentStore, partition: number, options: RunnerOptions, around: Around): Run {
  const { log, clock } = around
  const runs = store.topics.map((topic) => {
    let kept: Kept | undefined
    let sinceRecords = 0
    let sinceMs = clock.monotonic()
    return runSink(
      {
        name: `documents-${topic.split('.').at(-1)}`,
        topic,
        partition,
        async position(from) {
          kept = from
          return (await from.load())?.next ?? (await log.bounds(topic, partition)).start
        },
        async write(records: LogRecord[]) {
          const refused = await store.write(log.id, topic, partition, records)
          sinceRecords += records.length
          if (sinceRecords >= keepEvery.records || clock.monotonic() - sinceMs >= keepEvery.ms) {
            await kept!.save({ next: records.at(-1)!.offset + 1, state: new Uint8Array() })
            sinceRecords = 0
            sinceMs = clock.monotonic()
          }
          return refused
        },
        restMs,
        holdsLog: true,
      },
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
