/** The kinds of faults, and one that a schedule has given its time. */

export type Table = Record<string, { of: string; lastsMs: readonly [number, number] }>

/** What is done, to what, and for how long: ms from a to b. `kill` lasts until the process is started again. */
export const kinds = {
  'kill -9 agent': { of: 'agent', lastsMs: [200, 2000] },
  'kill -9 broker': { of: 'broker', lastsMs: [200, 2000] },
  'wipe broker': { of: 'broker', lastsMs: [200, 2000] },
  'kill -9 processor': { of: 'processor', lastsMs: [200, 2000] },
  'link cut': { of: 'agent', lastsMs: [500, 5000] },
  'link silent': { of: 'agent', lastsMs: [500, 5000] },
  'SIGSTOP agent': { of: 'agent', lastsMs: [500, 5000] },
  'SIGSTOP broker': { of: 'broker', lastsMs: [500, 5000] },
  // Below the 5 s after which the notifier takes a receiver for dead: a repeat would be right, and we want to see wrong ones.
  'SIGSTOP processor': { of: 'processor', lastsMs: [500, 4500] },
  'pty unplug': { of: 'device', lastsMs: [300, 4000] },
  garbage: { of: 'device', lastsMs: [0, 0] },
  'frozen subscriber': { of: 'broker', lastsMs: [2000, 6000] },
} as const satisfies Table

/** Dealt as well where several processors share a log on Kafka. */
export const distributedKinds = {
  'kill -9 Kafka': { of: 'log', lastsMs: [200, 2000] },
  'SIGSTOP Kafka': { of: 'log', lastsMs: [1000, 5000] },
  'kill -9 two processors': { of: 'processor', lastsMs: [200, 2000] },
} as const satisfies Table

/** Not dealt: each storm has its own place for them (`standing.ts`). */
export const storeKinds = ['kill -9 store', 'SIGSTOP store', 'store disk full'] as const
export const standingKinds = ['zombie processor', 'processor joins and leaves', ...storeKinds] as const

export type DealtKind = keyof typeof kinds | keyof typeof distributedKinds
export type Kind = DealtKind | (typeof standingKinds)[number]

export interface Fault {
  kind: Kind
  /** From the start of its round. */
  atMs: number
  lastsMs: number
  /** How long it waits for a target that another fault has taken down. */
  patienceMs: number
  /** Index of the agent, device or processor, where there are several. */
  target: number
}
