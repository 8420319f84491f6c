/**
 * A seeded schedule: rounds of a storm, in which faults overlap, and a quiet window. Kinds are dealt from a shuffled deck, so
 * that each comes about equally often, and in the shortest run at least once. Every fault is over when its storm is.
 */
import { createRandom, type Random } from '../../../simulators/src/signals/random.ts'

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
} as const satisfies Record<string, { of: string; lastsMs: readonly [number, number] }>

export type Kind = keyof typeof kinds

export interface Fault {
  kind: Kind
  /** From the start of its round. */
  atMs: number
  lastsMs: number
  /** How long it waits for a target that another fault has taken down. */
  patienceMs: number
  /** Index of the agent or device, where there are several. */
  target: number
}

export interface Round {
  faults: Fault[]
  stormMs: number
}

export const quietMs = 10_000
const roundMs = 54_000
const betweenMs = 1800

export function makeSchedule(seed: number, seconds: number, count: { agents: number; devices: number }): Round[] {
  const random = createRandom(seed, 'chaos')
  const deal = dealer(random)
  const rounds = Math.max(2, Math.round((seconds * 1000) / roundMs))
  const stormMs = (seconds * 1000) / rounds - quietMs
  return Array.from({ length: rounds }, () => ({ stormMs, faults: storm(stormMs) }))

  function storm(lengthMs: number): Fault[] {
    const faults: Fault[] = []
    for (let atMs = 500; atMs < lengthMs - 1000; atMs += betweenMs * (0.4 + 1.2 * random.next())) {
      const kind = deal()
      const [least, most] = kinds[kind].lastsMs
      const lastsMs = Math.min(lengthMs - atMs, least + (most - least) * random.next())
      const target = random.below(kinds[kind].of === 'agent' ? count.agents : count.devices)
      faults.push({ kind, atMs, lastsMs, patienceMs: lengthMs - atMs - 1000, target })
    }
    return faults
  }
}

/** On a machine so busy that a kind found its target down every time: it is made up for, patiently. */
export function makeUpFor(struck: Set<Kind>): Fault[] {
  const missing = (Object.keys(kinds) as Kind[]).filter((kind) => !struck.has(kind))
  return missing.map((kind, target) => ({ kind, atMs: 0, lastsMs: kinds[kind].lastsMs[0], patienceMs: 20_000, target }))
}

function dealer(random: Random): () => Kind {
  let deck: Kind[] = []
  return () => {
    if (deck.length === 0) deck = shuffle(Object.keys(kinds) as Kind[], random)
    return deck.pop()!
  }
}

function shuffle<T>(cards: T[], random: Random): T[] {
  for (let k = cards.length - 1; k > 0; k--) {
    const other = random.below(k + 1)
    ;[cards[k], cards[other]] = [cards[other]!, cards[k]!]
  }
  return cards
}
