/**
 * A seeded schedule: rounds of a storm, in which faults overlap, and a quiet window. Kinds are dealt from a shuffled deck, so
 * that each comes about equally often, and in the shortest run at least once. Every fault is over when its storm is.
 *
 * The distributed installation adds kinds to the deck, and some that last so long that each storm has a place for them
 * (`standing.ts`).
 */
import { createRandom, type Random } from '../../../simulators/src/signals/random.ts'
import { type DealtKind, distributedKinds, type Fault, type Kind, kinds, type Table } from './kinds.ts'
import { standing } from './standing.ts'

const dealt: Table = { ...kinds, ...distributedKinds }

export interface Round {
  faults: Fault[]
  stormMs: number
}

export interface Wanted {
  seconds: number
  agents: number
  devices: number
  /** All kinds that must strike. */
  kinds: Kind[]
}

export const quietMs = 10_000
const roundMs = 54_000
const betweenMs = 1800
/** From so many seconds on, faults that stand for minutes have their time. */
const longFromS = 300
const longRoundMs = 150_000

export function makeSchedule(seed: number, { seconds, agents, devices, kinds: wanted }: Wanted): Round[] {
  const random = createRandom(seed, 'chaos')
  const cards = wanted.filter(isDealt)
  const deal = cards.length > 0 ? dealer(cards, random) : undefined
  const hasStanding = wanted.some((kind) => !isDealt(kind))
  const isLong = hasStanding && seconds >= longFromS
  const rounds = Math.max(2, Math.round((seconds * 1000) / (isLong ? longRoundMs : roundMs)))
  const stormMs = (seconds * 1000) / rounds - quietMs
  return Array.from({ length: rounds }, (_, index) => ({
    stormMs,
    faults: [
      ...storm(stormMs),
      ...standing({ wanted, stormMs, index, rounds, isLong, random: createRandom(seed, `standing ${index}`) }),
    ],
  }))

  function storm(lengthMs: number): Fault[] {
    const faults: Fault[] = []
    if (!deal) return faults
    for (let atMs = 500; atMs < lengthMs - 1000; atMs += betweenMs * (0.4 + 1.2 * random.next())) {
      const kind = deal()
      const [least, most] = dealt[kind]!.lastsMs
      const lastsMs = Math.min(lengthMs - atMs, least + (most - least) * random.next())
      const target = random.below(dealt[kind]!.of === 'agent' ? agents : devices)
      faults.push({ kind, atMs, lastsMs, patienceMs: lengthMs - atMs - 1000, target })
    }
    return faults
  }
}

/** On a machine so busy that a kind found its target down every time: it is made up for, patiently. */
export function makeUpFor(wanted: Kind[], struck: Set<Kind>): Fault[] {
  const missing = wanted.filter((kind) => !struck.has(kind))
  return missing.map((kind, target) => ({
    kind,
    atMs: 0,
    lastsMs: isDealt(kind) ? dealt[kind]!.lastsMs[0] : 5000,
    patienceMs: 20_000,
    target,
  }))
}

function isDealt(kind: Kind): kind is DealtKind {
  return kind in dealt
}

function dealer(cards: DealtKind[], random: Random): () => DealtKind {
  let deck: DealtKind[] = []
  return () => {
    if (deck.length === 0) deck = shuffle([...cards], random)
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
