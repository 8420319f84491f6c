/** Carries one partition of the timeline into the store, while this process is sure that no other does. */
import { topics } from '@millrace/contract'
import { type Around, pause, type RunnerOptions, runSink, type SinkRun } from './stage/index.ts'
import type { Store } from './stores/index.ts'

/** A question to the store misses at most this much of the newest. */
const restMs = 100
/** Between two looks whether this process is heard by the others again. */
const lookAgainMs = 50

export interface StoreSink {
  name: string
  partition: number
  /** False when another process may be writing in this one's place: then nothing is read or written. */
  isSure(): boolean
}

export function runStoreSink(
  store: Store,
  { name, partition, isSure }: StoreSink,
  options: RunnerOptions,
  around: Around,
): SinkRun {
  const { log, clock } = around
  const stopping = new AbortController()

  async function beSure(): Promise<void> {
    while (!isSure() && !stopping.signal.aborted) await pause(clock, lookAgainMs, stopping.signal)
    if (stopping.signal.aborted) throw new Error('this process writes no more')
  }

  const run = runSink(
    {
      name,
      topic: topics.timeline,
      partition,
      async position(kept) {
        await beSure()
        return store.open(log.id, partition, kept)
      },
      async write(records) {
        await beSure()
        return store.write(partition, records)
      },
      restMs,
      holdsLog: true,
    },
    options,
    around,
  )
  return {
    progress: run.progress,
    async stop() {
      stopping.abort()
      await run.stop()
    },
  }
}
