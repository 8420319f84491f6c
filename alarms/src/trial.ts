/** How many alarms a limit would have raised over what a store holds, beside those of the limits of now. */
import type { TimelineRecord } from '@millrace/contract'
import { createEngine, type LimitState } from './engine.ts'
import { inEventOrder, type StoredSeries } from './event-order.ts'
import { notificationKey } from './life-cycle.ts'
import type { LimitGiven } from './limited.ts'
import type { RuleFile } from './rule-file.ts'
import { step } from './step.ts'

export interface Trial {
  /** With the one rule that it is about. */
  file: RuleFile
  /** Those of now. */
  limits: Omit<LimitState, 'toldMs'>[]
  tried: LimitGiven
  series: StoredSeries[]
  fromMs: number
  toMs: number
}

/** Alarms that people would have been told of. */
export interface Tried {
  now: number
  tried: number
}

export function tryLimit({ file, limits, tried, series, fromMs, toMs }: Trial): Tried {
  // They count over the whole stretch; that one has an end only says which of them counts.
  const ordered = limits.map(({ atMs: _, ...one }) => ({
    ...one,
    ...(one.untilMs === undefined ? {} : { untilMs: toMs + dayMs }),
  }))
  const ours = { ...tried, id: 'tried', by: 'trial', reason: 'trial', untilMs: toMs + dayMs }
  const count = (set: typeof ordered) => {
    const state = createEngine(file)
    for (const limit of set) step(state, { f: 1, k: 'control', control: { type: 'limit', ...limit }, atMs: fromMs })
    let alarms = 0
    for (const record of inEventOrder(series, fromMs, toMs)) alarms += toldBy(state, record)
    return alarms
  }
  return { now: count(ordered), tried: count([...ordered, ours]) }
}

const dayMs = 86_400_000

function toldBy(state: ReturnType<typeof createEngine>, record: TimelineRecord): number {
  return step(state, record).filter((alarm) => notificationKey(alarm, false) !== undefined).length
}
