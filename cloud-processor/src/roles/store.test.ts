import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { expect, test } from 'vitest'
import { processorSchema } from '../config.ts'
import type { Log } from '../log/index.ts'
import type { Members } from '../members/index.ts'
import type { Kept } from '../stage/index.ts'
import type { Store } from '../stores/index.ts'
import { storeRole } from './store.ts'

const record = { offset: 0, key: 'a', value: Buffer.from('{}'), timeMs: 1 }

/** A log with one record, and what is kept in it. */
function createLog() {
  const kept: number[] = []
  const log: Partial<Log> = {
    ...{ id: 'log', partitions: 1 },
    heartbeats: { post: async () => {}, onHeartbeat: () => () => {} },
    read: async (_topic, _partition, from) => (from === 0 ? [record] : []),
    bounds: async () => ({ start: 0, end: 1 }),
    onAppend: () => () => {},
    loadSnapshot: async () => undefined,
    registerReader: async () => {},
    async commit({ snapshot }) {
      kept.push(snapshot!.next)
    },
  }
  return { log: log as Log, kept }
}

/** @param inWrite what happens while the store writes, before it keeps its position */
function runStore(inWrite: (stop: () => void) => void) {
  const { log, kept } = createLog()
  let place: Kept
  let isLeaseHeld = true
  const writes: string[] = []
  const store: Partial<Store> = {
    isShared: true,
    async open(_log, _partition, given) {
      place = given!
      return 0
    },
    async write() {
      inWrite(() => void run.stop())
      writes.push('begun')
      await place.save({ next: 1, state: new Uint8Array() })
      writes.push('ended')
      return []
    },
  }
  const role = storeRole({
    ...{ log, clock: systemClock, logger: silentLog, metrics: createMetrics() },
    config: processorSchema.parse({}),
    store: store as Store,
    members: { isLeaseHeld: () => isLeaseHeld } as Members,
  })!
  const run = role.start(0)
  const lose = () => {
    isLeaseHeld = false
  }
  return { kept, writes, run, lose }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 200))

test('a writer that holds its lease keeps its position', async () => {
  const { kept, writes, run } = runStore(() => {})
  await settled()
  expect([kept, writes]).toEqual([[1], ['begun', 'ended']])
  await run.stop()
})

test('what a writer found in the store after it lost its lease is not kept', async () => {
  const self = runStore(() => self.lose())
  await settled()
  expect([self.kept, self.writes]).toEqual([[], ['begun']])
  await self.run.stop()
})

test('nor when it was told of another writer, though it holds a lease again', async () => {
  const self = runStore((stop) => stop())
  await settled()
  expect([self.kept, self.writes]).toEqual([[], ['begun']])
})
