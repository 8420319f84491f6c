/**
 * Who was refused what, and how often: one entry for a reason, a user and an address, with the newest client, topic or filter. Bounded: the
 * entry that was longest without a refusal is forgotten first, and counted.
 */
import type { Refusal } from './refusals.ts'

export interface RefusalEntry {
  reason: Refusal
  user?: string | undefined
  address?: string | undefined
  /** Of the newest. */
  clientId?: string | undefined
  topic?: string | undefined
  filter?: string | undefined
  count: number
  firstMs: number
  lastMs: number
}

const entriesMax = 1_000
/** Of a name that a stranger chose. */
const charactersMax = 200

export class RefusalAudit {
  /** The one refused longest ago first. */
  readonly #entries = new Map<string, RefusalEntry>()
  readonly #entriesMax: number
  #forgotten = 0

  constructor(max = entriesMax) {
    this.#entriesMax = max
  }

  get size(): number {
    return this.#entries.size
  }

  /** Entries that had to go. */
  get forgotten(): number {
    return this.#forgotten
  }

  /** @returns the entry, with this one counted */
  add(reason: Refusal, detail: Record<string, unknown>, nowMs: number): RefusalEntry {
    const { user: name, address: from, clientId, topic, filter } = detail
    const [user, address] = [textOf(name), textOf(from)]
    const newest = { clientId: textOf(clientId), topic: textOf(topic), filter: textOf(filter) }
    const key = JSON.stringify([reason, user, address])
    const { count, firstMs } = this.#entries.get(key) ?? { count: 0, firstMs: nowMs }
    const entry = { reason, user, address, ...newest, count: count + 1, firstMs, lastMs: nowMs }
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    if (this.#entries.size > this.#entriesMax) this.#forgetOldest()
    return entry
  }

  /** The newest first. */
  list(): RefusalEntry[] {
    return [...this.#entries.values()].reverse()
  }

  #forgetOldest(): void {
    this.#entries.delete(this.#entries.keys().next().value!)
    this.#forgotten++
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, charactersMax) : undefined
}
