/**
 * A counter only counts up: energy, steps, bytes. Where a value is less than the one before it, it went round (`modulus` is the value
 * after its highest one, which is 0 again) or was reset to 0.
 *
 * - A round is exact. A counter that is never reset has only rounds.
 * - Of a reset it is not known what was counted between the value before and the reset: the increase is at least the new value.
 * - Of one that has both, a fall is a round where that makes it at most an eighth of one, and a reset otherwise; `isCertain` is false then.
 * - A second round, or a reset after which it counted beyond the value before, shows in no value. What may hide one is the reader's
 *   affair: a pause (`cloud-processor/src/prepare/analyses/increase`).
 */
import type { Counter } from './records/fields.ts'

export interface Increase {
  by: number
  how: 'up' | 'round' | 'reset'
  /** False: it is the likelier or the least of several that are possible. */
  isCertain: boolean
}

/** Values and modulus in one unit, in which the counter begins at 0. */
export function increaseOf(before: number, now: number, { modulus, resets }: Counter): Increase {
  if (now >= before) return { by: now - before, how: 'up', isCertain: true }
  const round = modulus === undefined || before >= modulus ? undefined : modulus - before + now
  if (round !== undefined && round >= 0 && (!resets || round <= modulus! / 8))
    return { by: round, how: 'round', isCertain: !resets }
  return { by: Math.max(0, now), how: 'reset', isCertain: false }
}
