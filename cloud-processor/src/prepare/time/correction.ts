/**
 * Brings the times of an agent's batch to the processor's clock, once, behind the deduplication: by what its agent estimated from
 * receipts (contract/src/clock-offset.ts). What a batch was corrected by is told with its readings, so the stamps can be worked out.
 *
 *     the estimate differs from what was applied last     then
 *     by no more than its uncertainty, or 20 ms           what was applied last: times are not moved to and fro
 *     by more                                             the estimate; where that would put readings among those before, step by step
 *     what was applied last agrees with the arrival       what was applied last: the estimate is of before the processor's clock was set
 *     the message would come before it was sent           by its arrival
 *     it is what the processor's clock was set by         nothing: the processor's clock is in doubt, not the gateway's
 */
import type { ClockOffset, Columns } from '@millrace/contract'
import { jumpMs } from '@millrace/platform'
import type { SparkplugMessage } from '../message.ts'
import type { DeviceState, PrepareState } from '../state/state.ts'
import { goesByFormerTime } from './partition-time.ts'

export interface Correction {
  /** Added to every time; 0: the stamps are kept. */
  byMs: number
  uncertaintyMs: number
}

/** Smaller differences are within what people and rules see as the same time. */
const sameMs = 20
/** A larger step is taken at once, whatever it does to the order. */
const slewMsMax = 1000

/** Undefined where the agent does not say how far off its clock is. */
export function correctionOf(state: PrepareState, message: SparkplugMessage, device: DeviceState): Correction | undefined {
  const { clock } = message
  if (!clock) return undefined
  const wantedMs = estimate(state, message, clock, device.clock?.byMs)
  const byMs = (isPresent(clock) && device.clock?.byMs) || 0
  const isSame = Math.abs(wantedMs - byMs) <= Math.max(sameMs, clock.uncertaintyMs)
  return isSame
    ? { byMs, uncertaintyMs: Math.max(clock.uncertaintyMs, Math.abs(wantedMs - byMs)) }
    : { byMs: wantedMs, uncertaintyMs: clock.uncertaintyMs }
}

/** False of a backlog that the clock of an earlier run stamped. */
function isPresent({ offsetMs, sentOffsetMs }: ClockOffset): boolean {
  return Math.abs(offsetMs - sentOffsetMs) <= slewMsMax
}

/** By more than this a gateway's clock can go by the time that the processor's was set from. */
const disputeMsMin = 2 * jumpMs

function estimate(state: PrepareState, { sentMs, receivedMs }: SparkplugMessage, clock: ClockOffset, knownMs?: number): number {
  const { offsetMs, sentOffsetMs } = clock
  if (sentMs === undefined) return offsetMs
  const offMs = knownMs === undefined ? 0 : sentMs + knownMs - receivedMs
  const unseenMs = state.tickMs === 0 ? 0 : receivedMs - state.tickMs
  if (Math.abs(offMs) > disputeMsMin && goesByFormerTime(state, offMs, unseenMs)) {
    state.time.isDisputed = true
    return knownMs! + offsetMs - sentOffsetMs
  }
  const isStale = knownMs !== undefined && Math.abs(offMs) <= jumpMs && Math.abs(sentOffsetMs - knownMs) > 2 * jumpMs
  if (isStale) return knownMs + offsetMs - sentOffsetMs
  const earlyMs = sentMs + sentOffsetMs - receivedMs
  return earlyMs > jumpMs ? offsetMs - earlyMs : offsetMs
}

interface Span {
  first: number
  last: number
}

/** Readings of one device, the time from the first to the last, and what is to be applied to them. */
interface Stamped {
  columns: Columns
  span: Span
  correction: Correction
}

/** In place. Remembers what was applied to readings of the clock that stamps now. */
export function correct(device: DeviceState, { clock }: SparkplugMessage, { columns, span, correction }: Stamped): void {
  if (isPresent(clock!)) slew(device, correction, span)
  if (correction.byMs !== 0) move(columns, correction.byMs)
}

function slew(device: DeviceState, correction: Correction, { first, last }: Span): void {
  const known = device.clock
  if (known && correction.byMs < known.byMs && last + known.byMs > known.lastMs) {
    const overlapMs = known.lastMs - first - correction.byMs
    const byMs = Math.min(known.byMs, correction.byMs + Math.floor(overlapMs) + 1)
    if (overlapMs >= 0 && overlapMs < slewMsMax) {
      correction.uncertaintyMs = Math.max(correction.uncertaintyMs, byMs - correction.byMs)
      correction.byMs = byMs
    }
  }
  const { byMs } = correction
  const lastMs = last + byMs
  const isStep = known !== undefined && Math.abs(byMs - known.byMs) > slewMsMax
  // A backlog lies before what was applied last.
  if (!known) device.clock = { byMs, lastMs }
  else if (lastMs > known.lastMs || isStep) {
    known.byMs = byMs
    known.lastMs = lastMs
  }
}

/** In place. */
function move({ channels, waves, absences }: Columns, byMs: number): void {
  for (const name in channels) {
    const { t } = channels[name]!
    for (let k = 0; k < t.length; k++) t[k]! += byMs
  }
  for (const name in waves) for (const segment of waves[name]!) segment.t += byMs
  for (const absence of absences ?? []) absence.t += byMs
}
