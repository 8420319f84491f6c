import type { Entry } from './entry.ts'

/** Ledger records that wait unreceipted stretch the time to the next one, up to this. */
const everyMsMax = 60_000

/** While nobody reads them, ledger records come less and less often: each holds all counts, so few are as good as many. */
export class LedgerPace {
  private readonly everyMs: number
  /** Ids. */
  private readonly unread = new Set<number>()
  private writtenMs = Number.NEGATIVE_INFINITY

  constructor(everyMs: number) {
    this.everyMs = everyMs
  }

  isDue(nowMs: number): boolean {
    const waitMs = Math.min(everyMsMax, this.everyMs * 2 ** Math.min(6, this.unread.size))
    return nowMs - this.writtenMs >= Math.max(this.everyMs, waitMs)
  }

  written(entry: Entry, nowMs: number): void {
    if (entry.kind !== 'ledger' || entry.guard) return
    this.unread.add(entry.id)
    this.writtenMs = nowMs
  }

  gone(id: number): void {
    this.unread.delete(id)
  }

  goneBetween(firstId: number, lastId: number): void {
    for (const id of this.unread) if (id >= firstId && id <= lastId) this.unread.delete(id)
  }
}
