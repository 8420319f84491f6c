/**
 * Where the outbox keeps its bytes: a transactional store that knows nothing of what they mean. Implementations:
 * `sqlite-storage.ts` for a disk, `memory-storage.ts` for tests; the simulation brings one whose disk can be crashed at any
 * operation. `conformance.ts` is the contract as a test suite.
 *
 * Two kinds of things are kept: *entries* (an id that rises, a short `meta` text, a payload) and *small* records (text by
 * key). A transaction is one atomic, durable step over both.
 */
export interface OutboxStorage {
  /**
   * Everything but the payloads, and of the entries the first `listRowsMax` only, in order of id. A damaged store is set
   * aside, and a new one has what could be recovered.
   * @param isDamaged the caller found that it is, whatever the store says
   * @throws MillraceError AGENT_OUTBOX_LOCKED, AGENT_OUTBOX_NEWER, AGENT_OUTBOX_FULL, AGENT_OUTBOX_IO
   */
  open(isDamaged?: boolean): Promise<Loaded>
  /** The entries with ids from `firstId` to `lastId`, in order, at most `listRowsMax`. */
  list(firstId: number, lastId: number): Promise<Row[]>
  /**
   * Resolves when the whole transaction is durable; after a rejection nothing of it is there. Called by one at a time.
   * @throws MillraceError AGENT_OUTBOX_FULL, AGENT_OUTBOX_IO (both worth a retry), AGENT_OUTBOX_CORRUPT
   */
  commit(transaction: OutboxTransaction): Promise<Committed>
  /** Payloads of those ids that are there. Changed bytes are the caller's to notice. */
  read(ids: number[]): Promise<Map<number, Uint8Array>>
  close(): Promise<void>
}

/** At most so many entries are listed at once. */
export const listRowsMax = 4096

/** An entry without its payload. */
export interface Row {
  id: number
  meta: string
}

export interface OutboxTransaction {
  put: { id: number; meta: string; payload: Uint8Array }[]
  remove: number[]
  /** Runs of ids, both ends included, less single ones. */
  removeBetween: { firstId: number; lastId: number; except: number[] }[]
  /** Removed as entries, but kept with their bytes where a person can look at them; the oldest of those go at a bound. */
  setAside: number[]
  /** Undefined removes the key. */
  set: Map<string, string | undefined>
}

export interface Loaded {
  entries: Row[]
  small: Map<string, string>
  /** Set when a damaged store was set aside under that name and this one is new. */
  setAside?: string
}

export interface Committed {
  /** Room left for growth on the disk; infinite where there is no disk. */
  freeBytes: number
  /** What this store has written to the disk since it was opened; absent where the system does not tell. */
  writtenBytes?: number | undefined
}

export function emptyTransaction(): OutboxTransaction {
  return { put: [], remove: [], removeBetween: [], setAside: [], set: new Map() }
}

export function isEmpty({ put, remove, removeBetween, setAside, set }: OutboxTransaction): boolean {
  return put.length + remove.length + removeBetween.length + setAside.length + set.size === 0
}

/** Those of `ids` that a transaction removes as part of a run. */
export function idsBetween(ids: Iterable<number>, runs: OutboxTransaction['removeBetween']): number[] {
  if (runs.length === 0) return []
  const isIn = (id: number) => runs.some(({ firstId, lastId, except }) => id >= firstId && id <= lastId && !except.includes(id))
  return [...ids].filter(isIn)
}
