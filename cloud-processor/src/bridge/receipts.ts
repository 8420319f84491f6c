/**
 * Gathers what became durable and sends each node at most one receipt per `everyMs`, so that receipts cost little whatever
 * the rate. The first after a silence leaves at once; while nothing is due no timer runs.
 */
import { addRange, type Ranges, type Receipt } from '@millrace/contract'
import type { Clock } from '@millrace/platform'

export interface Receipts {
  add(node: string, stream: string, number: number, receivedMs: number): void
  addBirth(node: string, declaration: string, receivedMs: number): void
  /** Something of this node was held back: with the next round it hears of no credit, and of the credit once it opens. */
  remind(node: string): void
  /** Call after these: now, or once `everyMs` have passed since the last round. */
  flush(): void
  stop(): void
}

interface Pending {
  got: Map<string, Ranges>
  births: Set<string>
  receivedMs: number
}

export interface ReceiptsOptions {
  host: string
  log: string
  everyMs: number
  /** Backlog bytes that the node may have in flight. */
  credit(node: string): number
  clock: Clock
  send(node: string, receipt: Receipt): void
}

export function createReceipts(options: ReceiptsOptions): Receipts {
  return new NodeReceipts(options)
}

class NodeReceipts implements Receipts {
  readonly #options: ReceiptsOptions
  readonly #pending = new Map<string, Pending>()
  /** Nodes that were last told 0 and wait to hear otherwise. */
  readonly #starved = new Set<string>()
  /** Nodes of which something was held back since their last receipt: they hear of no credit, even if it has opened since. */
  readonly #heldBack = new Set<string>()
  #lastRoundMs = Number.NEGATIVE_INFINITY
  #isArmed = false
  #isStopped = false
  #cancel = () => {}

  constructor(options: ReceiptsOptions) {
    this.#options = options
  }

  add(node: string, stream: string, number: number, receivedMs: number): void {
    const { got } = this.#of(node, receivedMs)
    const ranges = got.get(stream)
    if (ranges) addRange(ranges, number)
    else got.set(stream, [[number, number]])
  }

  addBirth(node: string, declaration: string, receivedMs: number): void {
    this.#of(node, receivedMs).births.add(declaration)
  }

  remind(node: string): void {
    if (this.#starved.has(node)) return
    this.#of(node, this.#options.clock.now())
    this.#heldBack.add(node)
  }

  #of(node: string, receivedMs: number): Pending {
    let entry = this.#pending.get(node)
    if (!entry) {
      entry = { got: new Map(), births: new Set(), receivedMs }
      this.#pending.set(node, entry)
    }
    entry.receivedMs = Math.max(entry.receivedMs, receivedMs)
    return entry
  }

  flush(): void {
    if (this.#isArmed || this.#isStopped || this.#pending.size + this.#starved.size === 0) return
    const { everyMs, clock } = this.#options
    const waitMs = this.#lastRoundMs + everyMs - clock.monotonic()
    if (waitMs <= 0) return this.#round()
    this.#isArmed = true
    this.#cancel = clock.after(waitMs, () => {
      this.#isArmed = false
      this.#round()
    })
  }

  #round(): void {
    const { host, log, credit: creditOf, clock, send } = this.#options
    this.#lastRoundMs = clock.monotonic()
    // Those that wait longest are asked first: there may be credit for a few only.
    for (const node of this.#starved) if (creditOf(node) > 0) this.#of(node, clock.now())
    for (const [node, { got, births, receivedMs }] of this.#pending) {
      const credit = this.#heldBack.delete(node) ? 0 : creditOf(node)
      send(node, { host, log, got, births: [...births], credit, receivedMs, sentMs: clock.now() })
      if (credit > 0) this.#starved.delete(node)
      else this.#starved.add(node)
    }
    this.#pending.clear()
    // Until there is credit.
    this.flush()
  }

  stop(): void {
    this.#isStopped = true
    this.#cancel()
  }
}
