import { MillraceError } from '@millrace/platform'
import { idsBetween, type Loaded, listRowsMax, type OutboxStorage, type OutboxTransaction, type Row } from './storage.ts'

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
  const entries = new Map<number, { meta: string; payload: Uint8Array }>()
  const small = new Map<string, string>()
  const aside: number[] = []
  let commits = 0
  let lost: string | undefined
  const storage: MemoryStorage = {
    fault: undefined,
    crash: undefined,
    freeBytes: Number.POSITIVE_INFINITY,
    get commits() {
      return commits
    },
    asideIds: aside,
    alter(id, change) {
      const entry = entries.get(id)!
      const meta = change(entry.meta)
      meta === undefined ? entries.delete(id) : entries.set(id, { ...entry, meta })
    },
    async open(damage): Promise<Loaded> {
      if (damage) loseAll()
      const loaded = { entries: listed(0, Number.POSITIVE_INFINITY), small: new Map(small), setAside: lost }
      lost = undefined
      return loaded
    },
    list: async (firstId, lastId) => listed(firstId, lastId),
    async commit(transaction) {
      // Never durable within the call: code that relied on that would pass here and fail on a disk.
      await new Promise((resolve) => setImmediate(resolve))
      if (storage.fault !== undefined) fail(storage.fault)
      const { crash } = storage
      if (crash !== 'before') apply(transaction)
      if (crash !== undefined) {
        storage.crash = undefined
        await new Promise(() => {})
      }
      commits++
      return { freeBytes: storage.freeBytes }
    },
    async read(ids) {
      return new Map(ids.flatMap((id) => (entries.has(id) ? [[id, entries.get(id)!.payload] as const] : [])))
    },
    async close() {},
  }
  return storage

  function listed(firstId: number, lastId: number): Row[] {
    const ids = [...entries.keys()].filter((id) => id >= firstId && id <= lastId).sort((a, b) => a - b)
    return ids.slice(0, listRowsMax).map((id) => ({ id, meta: entries.get(id)!.meta }))
  }

  function loseAll(): void {
    entries.clear()
    small.clear()
    lost = 'memory.corrupt'
  }

  function fail(code: 'AGENT_OUTBOX_FULL' | 'AGENT_OUTBOX_IO' | 'AGENT_OUTBOX_CORRUPT'): never {
    if (code === 'AGENT_OUTBOX_CORRUPT') {
      loseAll()
      storage.fault = undefined
    }
    throw new MillraceError(code, { path: 'memory', detail: 'asked for', aside: 'memory.corrupt' })
  }

  function apply({ put, remove, removeBetween, setAside, set }: OutboxTransaction): void {
    for (const id of setAside) if (entries.delete(id)) aside.push(id)
    for (const id of [...remove, ...idsBetween(entries.keys(), removeBetween)]) entries.delete(id)
    for (const { id, meta, payload } of put) entries.set(id, { meta, payload })
    for (const [key, value] of set) value === undefined ? small.delete(key) : small.set(key, value)
  }
}
