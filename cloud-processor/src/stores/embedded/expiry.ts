/**
 * Retention, first half: a device's day expires in the transaction of a tick. Its counts move to `expired` and what it holds
 * is read no more; sweep.ts removes it later, at leisure. By the ticks alone, so that a replay does the same at the same place
 * of the timeline, whatever it is cut into.
 */
import type { DatabaseSync } from 'node:sqlite'
import { addTally } from '@millrace/contract'
import type { Counts } from './counts.ts'
import type { Cuts } from './cuts.ts'
import type { Devices } from './devices.ts'
import { dayMs } from './file.ts'

/** Device days that expire at one tick: a millisecond or two. There is a tick a second. */
const perTick = 50

export interface ExpiryContext {
  devices: Devices
  counts: Counts
  cuts: Cuts
  /** That are kept; 0: all. */
  days: number
}

export function createExpiry(db: DatabaseSync, { devices, counts, cuts, days }: ExpiryContext) {
  const due = db.prepare('SELECT DISTINCT device, day FROM days WHERE day < ? ORDER BY day, device LIMIT ?')
  let forced = 0
  let isIdle = true

  function expire(device: number, day: number): void {
    for (const taken of counts.takeDay(device, day)) {
      const stream = counts.stream(taken.stream, device)
      for (const name of ['stored', 'collapsed'] as const) {
        addTally(stream[name], taken[name], -1)
        addTally(stream.expired, taken[name])
      }
      cuts.refresh(taken.stream, device)
    }
    devices.keepFrom(device, day + 1)
  }

  return {
    tick(atMs: number): void {
      const before = Math.max(forced, days === 0 ? 0 : Math.floor(atMs / dayMs) - days)
      if (before <= 0) return
      counts.write()
      const all = due.all(before, perTick) as { device: number; day: number }[]
      for (const { device, day } of all) expire(device, day)
      isIdle = all.length === 0
    },
    /** Days before this one expire at the next ticks, whatever their age. */
    force(before: number): void {
      forced = Math.max(forced, before)
      isIdle = false
    },
    /** False while there may be more that is due. */
    isIdle: () => isIdle,
  }
}

export type Expiry = ReturnType<typeof createExpiry>
