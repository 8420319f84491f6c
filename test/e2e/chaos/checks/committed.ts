/**
 * Committed ⊆ stored, exactly once: each scalar by device, channel and time with its own value; waveform samples by their
 * order, value for value. More may be stored than was seen to be committed, but only what an agent committed in the instant
 * in which it was killed.
 */
import { addTally, type Tally } from '@millrace/contract'
import type { Account, Verdict } from 'millrace'
import type { Ledgers } from '../observer.ts'
import { type Series, type StoredSeries, samplesOf } from './stored.ts'

export interface Committed {
  lost: number
  altered: number
  doubled: number
  /** Stored without our having seen the commit. */
  unseen: number
  first?: string
}

/** Two computations of the time of one sample. */
const exactMs = 0.01

/** @param sameMs how far apart two times of one sample may be: more where the store rounds them. */
export function compareCommitted(ledgers: Ledgers, stored: StoredSeries, sameMs = exactMs): Committed {
  const result: Committed = { lost: 0, altered: 0, doubled: 0, unseen: 0 }
  for (const [device, channels] of ledgers.scalars)
    for (const [channel, column] of channels)
      compare({ name: `${device}/${channel}`, committed: column, stored: stored.get(device)?.get(channel), sameMs }, result)
  for (const [device, channels] of ledgers.waves) {
    for (const [channel, segments] of channels) {
      const committed = samplesOf(segments.toSorted((a, b) => a.t - b.t))
      compare({ name: `${device}/${channel}`, committed, stored: stored.get(device)?.get(channel), sameMs }, result)
    }
  }
  return result
}

interface Compared {
  name: string
  committed: Series
  stored: Series | undefined
  sameMs: number
}

function compare({ name, committed, stored = { t: [], v: [] }, sameMs }: Compared, result: Committed): void {
  const order = [...committed.t.keys()].sort((a, b) => committed.t[a]! - committed.t[b]!)
  let at = 0
  for (const k of order) {
    const [t, v] = [committed.t[k]!, committed.v[k]!]
    for (; at < stored.t.length && stored.t[at]! < t - sameMs; at++) beside(at)
    if (at < stored.t.length && stored.t[at]! <= t + sameMs) {
      if (stored.v[at] !== v) tell('altered', `${name} at ${t}: committed ${v}, stored ${stored.v[at]}`)
      at++
    } else tell('lost', `${name} at ${t}: committed ${v}, not stored`)
  }
  for (; at < stored.t.length; at++) beside(at)

  function beside(index: number): void {
    const isRepeat = index > 0 && stored.t[index]! - stored.t[index - 1]! < sameMs
    if (isRepeat) tell('doubled', `${name} at ${stored.t[index]}: stored twice`)
    else result.unseen++
  }

  function tell(what: 'lost' | 'altered' | 'doubled', text: string): void {
    result[what]++
    result.first ??= text
  }
}

/**
 * The rule of `verify` stands on the ledger's `read`: it must be what the observer saw committed, by device, and no more than a
 * kill kept from it. @returns what is wrong.
 */
export function compareRead(ledgers: Ledgers, accounts: Account[], unseenMax: number): string[] {
  const wrong: string[] = []
  let unseen = 0
  for (const { device, read } of accounts) {
    const committed = committedOf(ledgers, device)
    const more = read.map((count, k) => count - committed[k]!)
    if (more.some((count) => count < 0)) wrong.push(`${device}: ${committed} committed, and only ${read} read by the ledger`)
    unseen += more[0]! + more[1]!
  }
  if (unseen > unseenMax) wrong.push(`${unseen} more were read than committed`)
  return wrong
}

/** What the observer misses of what was committed, `verify` must miss too, whatever gap lies over it. */
export function explainedAway({ lost }: Committed, { total }: Verdict): string[] {
  const missed = total.lost + total.collapsed
  return lost > missed ? [`${lost} committed readings are missing, verify misses ${missed}`] : []
}

function committedOf({ scalars, waves }: Ledgers, device: string): Tally {
  const sum: Tally = [0, 0]
  for (const { t } of scalars.get(device)?.values() ?? []) addTally(sum, [t.length, 0])
  for (const segments of waves.get(device)?.values() ?? []) for (const { v } of segments) addTally(sum, [0, v.length])
  return sum
}
