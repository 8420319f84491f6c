/** The outbox's storage on a simulated disk: a frame is a transaction. */

import type { OutboxStorage, OutboxTransaction } from '@millrace/edge-agent/outbox'
import { MillraceError } from '@millrace/platform'
import type { Disk } from './disk.ts'
import type { Process } from './world.ts'

export type OutboxFrame = OutboxTransaction

export function outboxOnDisk(disk: Disk<OutboxFrame>, process: Process, crash: () => void): OutboxStorage {
  const handle = disk.open(process, crash)
  const entries = new Map<number, { meta: string; payload: Uint8Array }>()
  const small = new Map<string, string>()
  const apply = ({ put, remove, setAside, set }: OutboxFrame) => {
    for (const { id, meta, payload } of put) entries.set(id, { meta, payload })
    for (const id of [...remove, ...setAside]) entries.delete(id)
    for (const [key, text] of set) {
      if (text === undefined) small.delete(key)
      else small.set(key, text)
    }
  }
  const failure = () => new MillraceError('AGENT_OUTBOX_IO', { path: 'simulated', detail: 'EIO' })
  return {
    async open() {
      for (const frame of disk.frames()) apply(frame)
      return { entries: [...entries].sort(([a], [b]) => a - b).map(([id, { meta }]) => ({ id, meta })), small: new Map(small) }
    },
    async commit(transaction) {
      const frame = {
        ...transaction,
        put: [...transaction.put],
        remove: [...transaction.remove],
        setAside: [...transaction.setAside],
        set: new Map(transaction.set),
      }
      await handle.commit(frame, failure)
      apply(frame)
      return { freeBytes: Number.POSITIVE_INFINITY }
    },
    read: async (ids) => new Map(ids.flatMap((id) => (entries.has(id) ? [[id, entries.get(id)!.payload] as const] : []))),
    close: async () => {},
  }
}
