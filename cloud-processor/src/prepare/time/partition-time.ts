/**
 * The time of a raw partition, by its ticks.
 *
 *     tick against this time           same run of the bridge                     another run, or an old bridge
 *     up to 5 s behind                 time does not move                         the same
 *     further behind                   the clock was set back: time goes back     the same at the third tick in a row:
 *                                                                                 two bridges may tick for a moment
 *     ahead                            goes on; more than the monotonic time      goes on: a pause, or a clock that is
 *                                      and 5 s: the clock was set ahead           wrong; nobody can tell here
 *
 * `shiftMs` is the sum of what may have been such a change, for a minute and for as long as gateways go by the time before it
 * (gateway-clocks.ts): their readings are then right, and the processor's clock is not.
 */
import type { RawTick, TickRecord } from '@millrace/contract'
import { jumpMs } from '@millrace/platform'
import type { PrepareState } from '../state/state.ts'

/** What a tick made of the time. */
export interface TimeChange {
  /** By how much the clock was set, where that is certain. */
  setMs: number
}

const behindTicks = 3
const expireStepMs = 3_600_000
/** Ticks: for so long a change of the clock may be disputed. */
const disputeTicks = 60
/** A processor that was away for longer is not told from a gateway with a wrong clock. */
const pauseMsMax = 3_600_000

/** Moves `state.tickMs`. */
export function advance(state: PrepareState, tick: RawTick): TimeChange {
  const { time } = state
  const isSameRun = tick.run !== undefined && tick.run === time.run
  const byMs = state.tickMs === 0 ? 0 : tick.atMs - state.tickMs
  const isBehind = byMs < -jumpMs
  time.behind = isBehind ? time.behind + 1 : 0
  if (++time.quietTicks >= disputeTicks) {
    time.shiftMs = 0
    time.hasPause = false
  }
  if (isBehind && !isSameRun && time.behind < behindTicks) return { setMs: 0 }
  const pausedMs = isSameRun ? tick.elapsedMs! - time.elapsedMs! : 0
  time.run = tick.run
  time.elapsedMs = tick.elapsedMs
  time.behind = 0
  state.tickMs = isBehind ? tick.atMs : Math.max(state.tickMs, tick.atMs)
  time.expireMs = time.expireMs === 0 ? tick.atMs : Math.min(state.tickMs, time.expireMs + expireStepMs)
  const changeMs = byMs - pausedMs
  if (Math.abs(changeMs) <= jumpMs) return { setMs: 0 }
  time.shiftMs += changeMs
  time.hasPause ||= !isSameRun
  time.quietTicks = 0
  return { setMs: isBehind || isSameRun ? changeMs : 0 }
}

export function tickOf({ tickMs, time }: PrepareState, { setMs }: TimeChange): TickRecord {
  return {
    f: 1,
    k: 'tick',
    atMs: tickMs,
    ...(setMs > 0 ? { setMs } : {}),
    ...(time.expireMs === tickMs ? {} : { expireMs: time.expireMs }),
  }
}

/**
 * Whether a clock that differs by this much goes by the time before the last change. A pause makes that look later than it was.
 * @param unseenMs what no tick has told yet: arrival less the time of the newest tick
 */
export function goesByFormerTime({ time }: PrepareState, offMs: number, unseenMs = 0): boolean {
  const isUnseen = Math.abs(unseenMs) > jumpMs
  const shiftMs = time.shiftMs + (isUnseen ? unseenMs : 0)
  if (shiftMs === 0) return false
  const restMs = offMs + shiftMs
  return restMs >= -2 * jumpMs && restMs <= (time.hasPause || isUnseen ? pauseMsMax : 2 * jumpMs)
}
