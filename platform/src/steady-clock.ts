/**
 * A clock that does not follow the wall clock where that jumps: its time goes on by the monotonic one until the new wall time
 * has held for `holdMs`. A wall clock that is wrong for some seconds therefore leaves no trace in what is stamped by this clock.
 *
 *     wall less monotonic moves by      then
 *     at most `jumpMs`                  followed at once: drift, NTP's small corrections
 *     more                              not followed for `holdMs`; at once when another clock agrees with it (`heard`)
 *     back to what it was               nothing has happened
 *
 * After a restart there is nothing to compare with, and the wall clock is taken as it is.
 */
import type { Clock } from './clock.ts'

export interface ClockChange {
  /** `jumped`: not followed yet. `returned`: it was right before. `followed`: the new time is the time now. */
  what: 'jumped' | 'returned' | 'followed'
  /** By how much the wall clock was moved. */
  byMs: number
}

export interface SteadyClock extends Clock {
  offMs(): number
  heard(otherMs: number): void
}

/** A smaller step is followed at once: it makes no live sample late, and no gap between two ticks. */
export const jumpMs = 5000
/** Alarms are to be on time within a minute of the clock being right, whichever way it was wrong. */
const holdMs = 30_000
/** Another clock agrees within this: its word was some time on its way. */
const agreesMs = 10_000

export function createSteadyClock(base: Clock, onChange: (change: ClockChange) => void = () => {}): SteadyClock {
  let offsetMs = base.now() - base.monotonic()
  let jump: { offsetMs: number; sinceMs: number } | undefined

  /** Monotonic time now, after a look at the wall clock. */
  function look(): number {
    const monotonicMs = base.monotonic()
    const wallOffsetMs = base.now() - monotonicMs
    if (Math.abs(wallOffsetMs - offsetMs) <= jumpMs) {
      if (jump) end('returned')
      offsetMs = wallOffsetMs
    } else if (!jump || Math.abs(wallOffsetMs - jump.offsetMs) > jumpMs) {
      jump = { offsetMs: wallOffsetMs, sinceMs: monotonicMs }
      onChange({ what: 'jumped', byMs: Math.round(wallOffsetMs - offsetMs) })
    } else if (monotonicMs - jump.sinceMs >= holdMs) follow(wallOffsetMs)
    return monotonicMs
  }

  function end(what: ClockChange['what']): void {
    const byMs = Math.round(jump!.offsetMs - offsetMs)
    jump = undefined
    onChange({ what, byMs })
  }

  function follow(wallOffsetMs: number): void {
    end('followed')
    offsetMs = wallOffsetMs
  }

  return {
    now: () => Math.round(look() + offsetMs),
    monotonic: () => base.monotonic(),
    after: (ms, call) => base.after(ms, call),
    offMs() {
      look()
      return jump ? Math.round(jump.offsetMs - offsetMs) : 0
    },
    heard(otherMs) {
      const monotonicMs = look()
      if (!jump) return
      const otherOffsetMs = otherMs - monotonicMs
      if (Math.abs(otherOffsetMs - jump.offsetMs) <= agreesMs) follow(jump.offsetMs)
      else if (Math.abs(otherOffsetMs - offsetMs) <= agreesMs) jump.sinceMs = monotonicMs
    },
  }
}
