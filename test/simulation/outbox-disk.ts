/** The outbox's storage on a simulated disk: a frame is a transaction. */

import { MemoryBytes, type OutboxStorage, type OutboxTransaction } from '@millrace/edge-agent/outbox'
import { MillraceError } from '@millrace/platform'
import type { Disk } from './disk.ts'
import type { Process } from './world.ts'

export type OutboxFrame = OutboxTransaction

export function outboxOnDisk(disk: Disk<OutboxFrame>, process: Process, crash: () => void): OutboxStorage {
  const handle = disk.open(process, crash)
  const bytes = new MemoryBytes()
  const failure = () => new MillraceError('AGENT_OUTBOX_IO', { path: 'simulated', detail: 'EIO' })
  return {
    async open() {
      for (const frame of disk.frames()) bytes.apply(frame)
      return { entries: bytes.listed(), small: new Map(bytes.small) }
    },
    list: async (firstId, lastId) => bytes.listed(firstId, lastId),
    async commit(transaction) {
      const frame = {
        ...transaction,
        put: [...transaction.put],
        remove: [...transaction.remove],
        removeBetween: [...transaction.removeBetween],
        setAside: [...transaction.setAside],
        set: new Map(transaction.set),
      }
      await handle.commit(frame, failure)
      bytes.apply(frame)
      return { freeBytes: Number.POSITIVE_INFINITY }
    },
    read: async (ids) => bytes.read(ids),
    close: async () => {},
  }
}
