/**
 * A filter reports by exception: it tells which readings of a channel are worth sending. What it holds back is counted as
 * filtered, never lost silently. A plug-in is pure: state, time and value in, verdict out; it owns neither clock nor timer.
 *
 * A plug-in is a folder `x/` with `x.ts`, `x.test.ts`, `README.md` and `cases/*.json`; it adds one line to `index.ts`.
 * `conformance.ts` is the contract as a test suite.
 */
import type { z } from 'zod'

/**
 * What becomes of the reading at hand, and of the one that waits, if one does:
 *
 * | verdict     | waiting reading | reading at hand |
 * |-------------|-----------------|-----------------|
 * | `keep`      | filtered        | kept            |
 * | `drop`      | goes on waiting | filtered        |
 * | `wait`      | filtered        | waits           |
 * | `keep-held` | kept            | waits           |
 * | `keep-both` | kept            | kept            |
 */
export type Verdict = 'keep' | 'drop' | 'wait' | 'keep-held' | 'keep-both'

export interface FilterPlugin<Config, State> {
  kind: string
  schema: z.ZodType<Config>
  /** State after a reading that was kept, whatever the filter says: the first, and the first after an absence. */
  start(t: number, v: number): State
  /** `v` in the channel's unit, `t` in epoch ms, above the last. May change the state in place. Gives any verdict but `keep-both`. */
  step(config: Config, state: State, t: number, v: number): Verdict
}

/** Whether a difference is above a limit. Decimal steps are not exact in binary: a millionth of the limit is let pass. */
export function exceeds(difference: number, limit: number): boolean {
  return Math.abs(difference) > limit * 1.000001
}
