/**
 * The stage from the timeline to alarms: `@millrace/alarms` over each record, its changes keyed by subject, and beside each
 * change that people should hear of a notification. Retrospective changes are in the record and are never notified.
 */
import {
  createEngine,
  decodeEngine,
  type EngineState,
  encodeEngine,
  notificationKey,
  ownRules,
  type RuleFile,
  step,
} from '@millrace/alarms'
import { type AlarmRecord, decodeJson, encodeJson, type TimelineRecord, topics } from '@millrace/contract'
import type { LogRecord } from '../log/log.ts'
import type { Emit, Stage } from '../stage/stage.ts'

/** @param rules act from the start of the log, until a control record brings others; a snapshot keeps those that acted last. */
export function createRulesStage(rules: RuleFile): Stage<EngineState> {
  return {
    name: 'rules',
    input: topics.timeline,
    initial: (partition) => ({ ...createEngine(rules), partition }),
    step(state, record, emit) {
      for (const alarm of step(state, decodeJson<TimelineRecord>(record.value), partitionOf(record))) publish(state, alarm, emit)
    },
    encode: encodeEngine,
    decode: decodeEngine,
  }
}

function publish(state: EngineState, alarm: AlarmRecord, emit: Emit): void {
  if (!isOwnAlarm(state, alarm)) return
  emit(topics.alarms, alarm.subject, encodeJson(alarm))
  const key = notificationKey(alarm, state.file.notifyCleared)
  if (key === undefined) return
  emit(topics.alarms, alarm.subject, encodeJson({ f: 1, k: 'notification', key, alarm }))
}

/** Every engine holds its decisions through a gap of any raw partition; the one of the same number tells of it. */
export function isOwnAlarm({ partition }: EngineState, { rule, channel }: AlarmRecord): boolean {
  return partition === undefined || rule !== ownRules.ingestGap || channel === `partition-${partition}`
}

/** A device's time advances by ticks of the raw partition that its records came from. */
function partitionOf(record: LogRecord): number {
  return record.source?.partition ?? 0
}
