/** What people search for, from each of its topics into a document store. */
import { type Topic, topics } from '@millrace/contract'
import type { Log, LogRecord } from '../log/index.ts'
import type { Role } from '../members/index.ts'
import { type Kept, runSink, type SinkRun } from '../stage/index.ts'
import type { DocumentStore } from '../stores/index.ts'
import type { Needs } from './context.ts'

/** How much is written again, under the same ids, after a crash: at most so many records, or so long. */
const keepEvery = { records: 5000, ms: 5000 }
/** One request carries what came since the last one. */
const restMs = 200

type DocumentsContext = Needs<'config' | 'documents'>

/** Undefined where the configuration names no document store. */
export function documentsRole(context: DocumentsContext): Role | undefined {
  const { documents, log } = context
  if (!documents) return undefined
  return {
    name: 'documents',
    partitions: log.partitions,
    start(partition) {
      const runs = documents.topics.map((topic) => runDocumentSink(documents, topic, partition, context))
      return {
        async stop() {
          await Promise.all(runs.map((run) => run.stop()))
        },
      }
    },
  }
}

/**
 * Where the configuration names no document store any more, what one had not read yet is not kept for it. On a log that is shared
 * another process may have one.
 */
export async function forgetDocuments({ documents, log }: { documents?: DocumentStore | undefined; log: Log }): Promise<void> {
  if (documents || log.board) return
  await Promise.all(Object.values(topics).map((topic) => log.unregisterReader(readerOf(topic))))
}

const readerOf = (topic: Topic) => `documents-${topic.split('.').at(-1)}`

function runDocumentSink(store: DocumentStore, topic: Topic, partition: number, context: DocumentsContext): SinkRun {
  const { log, clock, config } = context
  let kept: Kept | undefined
  let sinceRecords = 0
  let sinceMs = clock.monotonic()
  return runSink(
    {
      name: readerOf(topic),
      topic,
      partition,
      async position(from) {
        kept = from
        // What was trimmed while there was no document store is not in it.
        const { start } = await log.bounds(topic, partition)
        return Math.max((await from.load())?.next ?? start, start)
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
    config.runner,
    context,
  )
}
