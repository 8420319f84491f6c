/** The outbox's storage on a simulated disk: a frame is a transaction. */

import { idsBetween, listRowsMax, type OutboxStorage, type OutboxTransaction } from '@millrace/edge-agent/outbox'
import { MillraceError } from '@millrace/platform'
import type { Disk } from './disk.ts'
import type { Process } from './world.ts'

export type OutboxFrame = OutboxTransaction

export function outboxOnDisk(disk: Disk<OutboxFrame>, process: Process, crash: () => void): OutboxStorage {
  const handle = disk.open(process, crash)
  const entries = new Map<number, { meta: string; payload: Uint8Array }>()
  const small = new Map<string, string>()
  const apply = ({ put, remove, removeBetween, setAside, set }: OutboxFrame) => {
    for (const { id, meta, payload } of put) entries.set(id, { meta, payload })
    for (const id of [...remove, ...setAside, ...idsBetween(entries.keys(), removeBetween)]) entries.delete(id)
    for (const [key, text] of set) {
      if (text === undefined) small.delete(key)
      else small.set(key, text)
    }
  }
  const failure = () => new MillraceError('AGENT_OUTBOX_IO', { path: 'simulated', detail: 'EIO' })
  const listed = (firstId: number, lastId: number) => {
    const ids = [...entries.keys()].filter((id) => id >= firstId && id <= lastId).sort((a, b) => a - b)
    return ids.slice(0, listRowsMax).map((id) => ({ id, meta: entries.get(id)!.meta }))
  }
  return {
    async open() {
      for (const frame of disk.frames()) apply(frame)
      return { entries: listed(0, Number.POSITIVE_INFINITY), small: new Map(small) }
    },
    list: async (firstId, lastId) => listed(firstId, lastId),
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
      apply(frame)
      return { freeBytes: Number.POSITIVE_INFINITY }
    },
    read: async (ids) => new Map(ids.flatMap((id) => (entries.has(id) ? [[id, entries.get(id)!.payload] as const] : []))),
    close: async () => {},
  }
}
