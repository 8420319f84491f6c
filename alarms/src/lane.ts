/**
 * One lane of a series: its good samples in time order against its rules. A series has a *live* lane and, once a sample came late, a *late*
 * lane, so that old data does not disturb the delays of live data. The time of a decision is event time, so that a tick, the
 * next sample and a replay come to the same alarm:
 *
 * - **Delay on.** Beyond the limit since `s`, the alarm is due at `s + delayOn`. A sample beyond the limit at or after then
 *   raises it. Where samples pause, the last value counts for up to `staleMs`: a tick `settleMs` past the due time raises
 *   the alarm (so samples on their way decide first), and so does the next sample, whatever its value, when it is that
 *   much later. It is raised *at* the due time; at the sample's own time if the value no longer stood then.
 * - **Delay off** is decided by samples alone: silence clears nothing.
 * - **Freezing.** An announced absence, a bad sample or an ingest gap stops both delays. At the next good sample the time
 *   without data is taken out, and a delay shorter than it starts again. An active alarm stays active, with a note.
 */
import { clear, noted, raise } from './change.ts'
import { absencesMax } from './engine.ts'
import { latch } from './latch.ts'
import { type LanePlan, type Plan, renewSlots, type Slot, setProgress, type ValueSlot } from './plan.ts'
import { isBefore } from './spans.ts'

/** The device's own number, or a text. */
type Raw = number | string

/** How long a tick waits for samples that are on their way. */
const settleMs = 2000

/** A good sample: `raw` is the device's own number. The caller keeps the lane in time order. */
export function takeGood(plan: Plan, lane: LanePlan, t: number, raw: number): void {
  const { state, values } = lane
  if (state.progress.length > 0) advance(plan, lane, t)
  if (state.absences.length > 0 && state.absences[0]![0] <= t) thaw(plan, lane, t)
  if (lane.recalls !== undefined) for (const judge of lane.recalls) judge.take(state, t, raw)
  for (let i = 0; i < values.length; i++) {
    const slot = values[i]!
    if (slot.judge.sets(raw)) takeBeyond(plan, slot, t, raw)
    else if (slot.progress !== undefined) takeBack(plan, slot, t, raw)
  }
  if (state.progress.length > 0) endSilence(plan, lane, t, raw)
  state.t = t
  state.good = t
}

/** A good sample of a channel of texts. A rule that judges no texts sees none. */
export function takeText(plan: Plan, lane: LanePlan, t: number, text: string): void {
  const { state, values } = lane
  if (state.progress.length > 0) advance(plan, lane, t)
  if (state.absences.length > 0 && state.absences[0]![0] <= t) thaw(plan, lane, t)
  if (lane.recalls !== undefined) for (const judge of lane.recalls) judge.takeText(state, t, text)
  for (const slot of values) {
    const sets = slot.judge.setsText?.(text)
    if (sets) takeBeyond(plan, slot, t, text)
    else if (sets === false && slot.progress !== undefined) takeBack(plan, slot, t, text)
  }
  if (state.progress.length > 0) endSilence(plan, lane, t, text)
  state.t = t
  state.good = t
}

/**
 * A sample of uncertain quality where some rule wants good ones: for that one it neither raises nor clears, and its delays begin again
 * with the next good one. For the others it is a good sample.
 */
export function takeUncertain(plan: Plan, lane: LanePlan, t: number, raw: number): void {
  const { state, values } = lane
  if (state.progress.length > 0) advance(plan, lane, t)
  if (state.absences.length > 0 && state.absences[0]![0] <= t) thaw(plan, lane, t)
  for (const judge of lane.recalls ?? []) if (judge.rule.minQuality !== 'good') judge.take(state, t, raw)
  for (const slot of values) {
    if (slot.rule.minQuality === 'good') restart(plan, slot)
    else if (slot.judge.sets(raw)) takeBeyond(plan, slot, t, raw)
    else if (slot.progress !== undefined) takeBack(plan, slot, t, raw)
  }
  if (state.progress.length > 0) endSilence(plan, lane, t, raw)
  state.t = t
  state.good = t
}

/** A delay that runs begins again. */
export function restart(plan: Plan, slot: Slot): void {
  if (slot.progress?.alarm) delete slot.progress.sinceMs
  else if (slot.progress) setProgress(plan, slot, undefined)
}

/** A sample that says nothing about the value: a bad one stops the delays, as an absence does. */
export function takeBad(plan: Plan, lane: LanePlan, t: number): void {
  const first = lane.state.absences[0]
  if (first === undefined || first[0] > t) freeze(lane, t, 'bad-quality')
  lane.state.t = t
  plan.state.counts.bad++
}

/** Raises what fell due before `nowMs` while the last value still stood. */
export function advance(plan: Plan, lane: LanePlan, nowMs: number): void {
  const { state } = lane
  const stoodUntil = Math.min(state.good + plan.state.file.staleMs, state.absences[0]?.[0] ?? Infinity)
  for (const slot of lane.values) {
    const { progress } = slot
    if (progress === undefined || progress.alarm !== undefined) continue
    const dueMs = progress.sinceMs! + slot.delayOnMs
    if (dueMs + settleMs <= nowMs && dueMs <= stoodUntil) raise(plan, slot, { atMs: dueMs, evidenceMs: nowMs, raw: progress.raw })
  }
}

/** From `fromMs` on there is no data, until the next good sample at or after it. */
export function freeze(lane: LanePlan, fromMs: number, reason: string): void {
  const { absences, progress } = lane.state
  if (absences.some(([at]) => at === fromMs)) return
  if (absences.length >= absencesMax) absences.splice(absencesMax - 1)
  let place = absences.length
  while (place > 0 && absences[place - 1]![0] > fromMs) place--
  absences.splice(place, 0, [fromMs, reason])
  const note = `no data from ${new Date(fromMs).toISOString()} (${reason})`
  for (const one of progress) {
    const { alarm } = one
    // The first absence is noted; what else came is on the timeline.
    if (alarm && !alarm.technical && alarm.note === undefined) one.alarm = { ...alarm, ...noted(undefined, note) }
  }
}

/** The device now measures another subject: open alarms of the previous subject end here. */
export function changeSubject(plan: Plan, lane: LanePlan, subject: string, t: number): void {
  const note = `device now measures ${subject}`
  for (const slot of [...lane.values, ...lane.silences]) {
    if (slot.progress?.alarm) clear(plan, slot, { atMs: t, evidenceMs: t, note })
    else if (slot.progress) setProgress(plan, slot, undefined)
  }
  lane.state.subject = subject
  delete lane.state.memory
  renewSlots(plan, lane)
}

function thaw(plan: Plan, lane: LanePlan, t: number): void {
  const { absences } = lane.state
  const fromMs = absences[0]![0]
  let over = 1
  while (over < absences.length && absences[over]![0] <= t) over++
  absences.splice(0, over)
  for (const slot of lane.values) if (slot.progress?.sinceMs !== undefined) resume(plan, slot, fromMs, t)
}

function resume(plan: Plan, slot: ValueSlot, frozenMs: number, t: number): void {
  const progress = slot.progress!
  const delayMs = progress.alarm ? slot.rule.delayOffMs : slot.delayOnMs
  // Due before the data stopped: the delay has run already, and this sample says whether it is still so.
  if (!progress.alarm && progress.sinceMs! + delayMs <= frozenMs) return
  const goneMs = t - frozenMs
  if (goneMs <= delayMs) progress.sinceMs! += goneMs
  else if (progress.alarm) delete progress.sinceMs
  else setProgress(plan, slot, undefined)
}

function takeBeyond(plan: Plan, slot: ValueSlot, t: number, raw: Raw): void {
  const { progress, rule } = slot
  if (progress?.alarm) {
    delete progress.sinceMs
    if (progress.alarm.latched) latch(plan, slot, 'beyond', t)
  } else if (slot.delayOnMs === 0) raise(plan, slot, { atMs: t, evidenceMs: t, raw })
  else if (!progress) setProgress(plan, slot, { rule: rule.name, sinceMs: t, raw })
  else judgePending(plan, slot, t, raw)
}

function judgePending(plan: Plan, slot: ValueSlot, t: number, raw: Raw): void {
  const progress = slot.progress!
  const dueMs = progress.sinceMs! + slot.delayOnMs
  progress.raw = raw
  if (t < dueMs) return
  const stoodUntil = slot.lane.state.good + plan.state.file.staleMs
  raise(plan, slot, { atMs: dueMs <= stoodUntil ? dueMs : t, evidenceMs: t, raw })
}

/** Back from the set limit; between it and the clear limit an active alarm stays as it is. */
function takeBack(plan: Plan, slot: ValueSlot, t: number, raw: Raw): void {
  const progress = slot.progress!
  if (!progress.alarm) return setProgress(plan, slot, undefined)
  if (isBefore(t, progress.alarm)) return
  // A text that does not set clears.
  if (typeof raw === 'number' && !slot.judge.clears(raw)) delete progress.sinceMs
  else {
    progress.sinceMs ??= t
    if (t - progress.sinceMs < slot.rule.delayOffMs) return
    if (slot.rule.latch) latch(plan, slot, 'return', t)
    else clear(plan, slot, { atMs: t, evidenceMs: t, raw })
  }
}

function endSilence(plan: Plan, lane: LanePlan, t: number, raw: Raw): void {
  for (const slot of lane.silences)
    if (slot.progress && !isBefore(t, slot.progress.alarm!)) clear(plan, slot, { atMs: t, evidenceMs: t, raw })
}
