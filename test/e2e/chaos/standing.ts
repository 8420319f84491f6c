/**
 * Faults of the distributed installation that stand for long. They are not dealt: each storm has its own place for them, so
 * that they are over when it is.
 *
 *   zombie processor             stopped for four times as long as the others wait for a sign of life, and longer
 *   processor joins and leaves   every 20 s one more comes, and leaves cleanly 10 s later
 *   store ...                    one after the other where a storm has several of them
 */
import type { Random } from '../../../simulators/src/signals/random.ts'
import { type Fault, type Kind, storeKinds } from './kinds.ts'

const zombieMs = { short: 12_000, long: 60_000 }
const visitEveryMs = 20_000
const visitMs = 10_000
const storeMs = { 'kill -9 store': 120_000, 'SIGSTOP store': 60_000, 'store disk full': 60_000 }
const storeShortMs = 10_000
/** Room for what a fault needs to begin and to end. */
const marginMs = 1500

export interface Storm {
  wanted: Kind[]
  stormMs: number
  /** Of how many rounds. */
  index: number
  rounds: number
  isLong: boolean
  random: Random
}

export function standing({ wanted, stormMs, index, rounds, isLong, random }: Storm): Fault[] {
  const faults: Fault[] = []
  const add = (kind: Kind, fromMs: number, roomMs: number, mostMs: number) => {
    if (!wanted.includes(kind)) return
    const lastsMs = Math.max(1000, Math.min(mostMs, roomMs - 2 * marginMs))
    const atMs = fromMs + (roomMs - marginMs - lastsMs) * random.next()
    faults.push({ kind, atMs, lastsMs, patienceMs: stormMs - atMs, target: random.below(1000) })
  }
  add('zombie processor', 0, stormMs, isLong ? zombieMs.long : zombieMs.short)
  for (let fromMs = 0; fromMs + visitMs < stormMs; fromMs += visitEveryMs)
    add('processor joins and leaves', fromMs, Math.min(visitEveryMs, stormMs - fromMs), visitMs)
  const turns = storeKinds.filter((_, k) => k % rounds === index % storeKinds.length)
  const roomMs = stormMs / turns.length
  for (const [k, kind] of turns.entries()) add(kind, k * roomMs, roomMs, isLong ? storeMs[kind] : storeShortMs)
  return faults
}
