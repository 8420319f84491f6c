/** Records that are new, read: below the next offset, or not above the mark of their source, they are repeats. */
import { decodeJson, type TimelineRecord } from '@millrace/contract'
import type { LogRecord } from '../../log/log.ts'
import { pass } from '../../stage/index.ts'
import { timeAfter } from '../../stage/tick-time.ts'
import type { AccountState } from './state.ts'

/** A record in its order. */
export interface Taken {
  offset: number
  timeMs: number
  /** Rises with every record. */
  versionMs: number
  /** The newest tick at its place. */
  nowMs: number
  record: TimelineRecord
}

export interface TakenBatch {
  taken: Taken[]
  repeats: number
  bad: { offset: number; versionMs: number; detail: string }[]
}

/** Moves position, marks, version and time in `state`. */
export function take(state: AccountState, records: LogRecord[]): TakenBatch {
  const batch: TakenBatch = { taken: [], repeats: 0, bad: [] }
  for (const { offset, timeMs, value, source } of records) {
    const isNew = offset >= state.next && pass(state.marks, source)
    if (offset >= state.next) state.next = offset + 1
    if (!isNew) {
      batch.repeats++
      continue
    }
    state.versionMs = Math.max(state.versionMs + 1, timeMs)
    const { versionMs } = state
    try {
      const record = decodeJson<TimelineRecord>(value)
      if (record.k === 'readings') checkColumns(record)
      if (record.k === 'tick') state.nowMs = timeAfter(state.nowMs, record)
      batch.taken.push({ offset, timeMs, versionMs, nowMs: state.nowMs, record })
    } catch (cause) {
      batch.bad.push({ offset, versionMs, detail: `${cause}` })
    }
  }
  return batch
}

/** @throws Error when it has not the shape of readings */
function checkColumns({ channels, waves }: TimelineRecord & { k: 'readings' }): void {
  for (const name in channels) {
    const { t, v } = channels[name]!
    if (!Array.isArray(t) || !Array.isArray(v) || t.length !== v.length) throw new Error(`channel ${name} has no columns`)
  }
  for (const name in waves)
    for (const { t, i, v } of waves[name]!)
      if (!Number.isFinite(t) || !(i > 0) || !Array.isArray(v)) throw new Error(`waveform ${name} has no segment`)
}
