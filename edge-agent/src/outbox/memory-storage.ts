import { MillraceError } from '@millrace/platform'
import { MemoryBytes } from './memory-bytes.ts'
import type { Loaded, OutboxStorage } from './storage.ts'

export interface MemoryStorage extends OutboxStorage {
  /** Commits fail with this code while it is set. */
  fault: 'AGENT_OUTBOX_FULL' | 'AGENT_OUTBOX_IO' | 'AGENT_OUTBOX_CORRUPT' | undefined
  /** The next commit never answers, as when the process is killed before or after it is durable. */
  crash: 'before' | 'after' | undefined
  freeBytes: number
  /** Commits made. */
  readonly commits: number
  readonly asideIds: number[]
  /** Changes an entry's meta behind the outbox's back, or removes the entry. */
  alter(id: number, change: (meta: string) => string | undefined): void
}

/** A store in memory that survives `close` and a new outbox over it, as a disk would. For tests. */
export function memoryStorage(): MemoryStorage {
  const bytes = new MemoryBytes()
  let commits = 0
  let lost: string | undefined
  const loseAll = () => {
    bytes.clear()
    lost = 'memory.corrupt'
  }
  const fail = (code: NonNullable<MemoryStorage['fault']>): never => {
    if (code === 'AGENT_OUTBOX_CORRUPT') {
      loseAll()
      storage.fault = undefined
    }
    throw new MillraceError(code, { path: 'memory', detail: 'asked for', aside: 'memory.corrupt' })
  }
  const storage: MemoryStorage = {
    fault: undefined,
    crash: undefined,
    freeBytes: Number.POSITIVE_INFINITY,
    get commits() {
      return commits
    },
    asideIds: bytes.aside,
    alter(id, change) {
      const entry = bytes.entries.get(id)!
      const meta = change(entry.meta)
      meta === undefined ? bytes.entries.delete(id) : bytes.entries.set(id, { ...entry, meta })
    },
    async open(isDamaged): Promise<Loaded> {
      if (isDamaged) loseAll()
      const loaded = { entries: bytes.listed(), small: new Map(bytes.small), setAside: lost }
      lost = undefined
      return loaded
    },
    list: async (firstId, lastId) => bytes.listed(firstId, lastId),
    async commit(transaction) {
      // Never durable within the call: code that relied on that would pass here and fail on a disk.
      await new Promise((resolve) => setImmediate(resolve))
      if (storage.fault !== undefined) fail(storage.fault)
      const { crash } = storage
      if (crash !== 'before') bytes.apply(transaction)
      if (crash !== undefined) {
        storage.crash = undefined
        await new Promise(() => {})
      }
      commits++
      return { freeBytes: storage.freeBytes }
    },
    read: async (ids) => bytes.read(ids),
    async close() {},
  }
  return storage
}
