import { idsBetween, listRowsMax, type OutboxTransaction, type Row } from './storage.ts'

/** What a store holds, in memory. For tests and the simulation. */
export class MemoryBytes {
  readonly entries = new Map<number, { meta: string; payload: Uint8Array }>()
  readonly small = new Map<string, string>()
  /** Ids. */
  readonly aside: number[] = []

  listed(firstId = 0, lastId = Number.POSITIVE_INFINITY): Row[] {
    const ids = [...this.entries.keys()].filter((id) => id >= firstId && id <= lastId).sort((a, b) => a - b)
    return ids.slice(0, listRowsMax).map((id) => ({ id, meta: this.entries.get(id)!.meta }))
  }

  read(ids: number[]): Map<number, Uint8Array> {
    return new Map(ids.flatMap((id) => (this.entries.has(id) ? [[id, this.entries.get(id)!.payload] as const] : [])))
  }

  apply({ put, remove, removeBetween, setAside, set }: OutboxTransaction): void {
    for (const id of setAside) if (this.entries.delete(id)) this.aside.push(id)
    for (const id of [...remove, ...idsBetween(this.entries.keys(), removeBetween)]) this.entries.delete(id)
    for (const { id, meta, payload } of put) this.entries.set(id, { meta, payload })
    for (const [key, value] of set) value === undefined ? this.small.delete(key) : this.small.set(key, value)
  }

  clear(): void {
    this.entries.clear()
    this.small.clear()
  }
}
