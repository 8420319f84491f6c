import { MillraceError } from '@millrace/platform'
import type { Loaded, OutboxStorage, OutboxTransaction } from './storage.ts'

export interface MemoryStorage extends OutboxStorage {
  /** Commits fail with this code while it is set. */
  fault: 'AGENT_OUTBOX_FULL' | 'AGENT_OUTBOX_IO' | 'AGENT_OUTBOX_CORRUPT' | undefined
  /** The next commit never answers, as when the process is killed before or after it is durable. */
  crash: 'before' | 'after' | undefined
  freeBytes: number
  /** Commits made. */
  readonly commits: number
  readonly asideIds: number[]
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
    async open(): Promise<Loaded> {
      const listed = [...entries].map(([id, { meta }]) => ({ id, meta })).sort((a, b) => a.id - b.id)
      const loaded = { entries: listed, small: new Map(small), setAside: lost }
      lost = undefined
      return loaded
    },
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

  function fail(code: 'AGENT_OUTBOX_FULL' | 'AGENT_OUTBOX_IO' | 'AGENT_OUTBOX_CORRUPT'): never {
    if (code === 'AGENT_OUTBOX_CORRUPT') {
      entries.clear()
      small.clear()
      lost = 'memory.corrupt'
      storage.fault = undefined
    }
    throw new MillraceError(code, { path: 'memory', detail: 'asked for', aside: 'memory.corrupt' })
  }

  function apply({ put, remove, setAside, set }: OutboxTransaction): void {
    for (const id of setAside) if (entries.delete(id)) aside.push(id)
    for (const id of remove) entries.delete(id)
    for (const { id, meta, payload } of put) entries.set(id, { meta, payload })
    for (const [key, value] of set) value === undefined ? small.delete(key) : small.set(key, value)
  }
}
