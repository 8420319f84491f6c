/**
 * From the timeline into the store. A store that several processes reach is shared, and of one partition one process writes,
 * while it holds its lease: of two, one would find in the engine what the other wrote, and count it as collapsed. A store that
 * belongs to this process is a copy of everything.
 */
import { topics } from '@millrace/contract'
import type { Role } from '../members/index.ts'
import { type Kept, pause, runSink, type SinkRun } from '../stage/index.ts'
import type { Store } from '../stores/index.ts'
import type { Needs, Service } from './context.ts'

/** A question to the store misses at most this much of the newest. */
const restMs = 100
/** Between two looks whether this process is heard by the others again. */
const lookAgainMs = 50

type StoreContext = Needs<'config' | 'store' | 'members'>

/** Undefined where there is nothing to share. */
export function storeRole(context: StoreContext): Role | undefined {
  const { store, log, members } = context
  if (!store || !isShared(context)) return undefined
  const start = (partition: number) =>
    runStoreSink(store, { name: 'store', partition, isLeaseHeld: members.isLeaseHeld }, context)
  return { name: 'store', partitions: log.partitions, isExclusive: true, start }
}

/** Every partition into the store of this process, where it is not shared. */
export function copyIntoStore(context: StoreContext): Service {
  const { store, log, config } = context
  const name = `store@${config.name}`
  const count = store && config.stages.includes('store') && !isShared(context) ? log.partitions : 0
  const copies = Array.from({ length: count }, (_, partition) =>
    runStoreSink(store!, { name, partition, isLeaseHeld: () => true }, context),
  )
  return {
    progress: () => copies.map((copy) => copy.progress()),
    async stop() {
      await Promise.all(copies.map((copy) => copy.stop()))
    },
  }
}

/** A process that is alone has every share. */
const isShared = ({ store, log }: StoreContext) => store?.isShared === true || !log.heartbeats

interface StoreSink {
  name: string
  partition: number
  /** False when another process may be writing in this one's place: then nothing is read or written. */
  isLeaseHeld(): boolean
}

function runStoreSink(store: Store, { name, partition, isLeaseHeld }: StoreSink, context: StoreContext): SinkRun {
  const { log, clock, config } = context
  const stopping = new AbortController()

  async function holdLease(): Promise<void> {
    while (!isLeaseHeld() && !stopping.signal.aborted) await pause(clock, lookAgainMs, stopping.signal)
    if (stopping.signal.aborted) throw new Error('this process no longer writes')
  }

  /**
   * The log may let a writer wait for longer than its lease lasts: what it then asks the store finds another one's rows, and may
   * not be kept. Before the lease is held again this process has heard who has the partition, and has stopped here.
   */
  function whileHeld(kept: Kept): Kept {
    const check = () => {
      if (!isLeaseHeld() || stopping.signal.aborted) throw new Error('another process may have taken over the writing')
    }
    return {
      load: kept.load,
      async save(snapshot) {
        check()
        await kept.save(snapshot)
        check()
      },
    }
  }

  const run = runSink(
    {
      name,
      topic: topics.timeline,
      partition,
      async position(kept) {
        await holdLease()
        return store.open(log.id, partition, whileHeld(kept))
      },
      async write(records) {
        await holdLease()
        return store.write(partition, records)
      },
      restMs,
      holdsLog: true,
    },
    config.runner,
    context,
  )
  return {
    progress: run.progress,
    async stop() {
      stopping.abort()
      await run.stop()
    },
  }
}
