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

export function createReceipts(options: {
  host: string
  log: string
  everyMs: number
  /** Backlog bytes that the node may have in flight. */
  credit(node: string): number
  clock: Clock
  send(node: string, receipt: Receipt): void
}): Receipts {
  const { host, log, clock } = options
  const pending = new Map<string, Pending>()
  /** Nodes that were last told 0 and wait to hear otherwise. */
  const starved = new Set<string>()
  /** Nodes of which something was held back since their last receipt: they hear of no credit, even if it has opened since. */
  const heldBack = new Set<string>()
  let lastRoundMs = Number.NEGATIVE_INFINITY
  let isArmed = false
  let isStopped = false
  let cancel = () => {}

  function of(node: string, receivedMs: number): Pending {
    let entry = pending.get(node)
    if (!entry) {
      entry = { got: new Map(), births: new Set(), receivedMs }
      pending.set(node, entry)
    }
    entry.receivedMs = Math.max(entry.receivedMs, receivedMs)
    return entry
  }

  function flush(): void {
    if (isArmed || isStopped || pending.size + starved.size === 0) return
    const waitMs = lastRoundMs + options.everyMs - clock.monotonic()
    if (waitMs <= 0) return round()
    isArmed = true
    cancel = clock.after(waitMs, () => {
      isArmed = false
      round()
    })
  }

  function round(): void {
    lastRoundMs = clock.monotonic()
    // Those that wait longest are asked first: there may be credit for a few only.
    for (const node of starved) if (options.credit(node) > 0) of(node, clock.now())
    for (const [node, { got, births, receivedMs }] of pending) {
      const credit = heldBack.delete(node) ? 0 : options.credit(node)
      options.send(node, { host, log, got, births: [...births], credit, receivedMs, sentMs: clock.now() })
      if (credit > 0) starved.delete(node)
      else starved.add(node)
    }
    pending.clear()
    // Until there is credit.
    flush()
  }

  return {
    add(node, stream, number, receivedMs) {
      const { got } = of(node, receivedMs)
      const ranges = got.get(stream)
      if (ranges) addRange(ranges, number)
      else got.set(stream, [[number, number]])
    },
    addBirth: (node, declaration, receivedMs) => void of(node, receivedMs).births.add(declaration),
    remind(node) {
      if (starved.has(node)) return
      of(node, clock.now())
      heldBack.add(node)
    },
    flush,
    stop() {
      isStopped = true
      cancel()
    },
  }
}
