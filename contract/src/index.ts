export { alertOf } from './alert.ts'
export * from './clock-offset.ts'
export { type AbsenceReason, absenceReasons } from './codes/absences.ts'
export type { EventCode } from './codes/events.ts'
export type { RejectionReason } from './codes/rejections.ts'
export * from './counter.ts'
export * from './ledger.ts'
export * from './naming.ts'
export * from './ranges.ts'
export * from './reading.ts'
export * from './rebirth.ts'
export * from './receipt.ts'
export type { AlarmPriority, AlarmRecord, AlarmTopicRecord, NotificationRecord, SettledRecord } from './records/alarms.ts'
export type { EdgeAlarm, EdgeAlarms } from './records/edge-alarms.ts'
export type { Channel, Column, Control, Counter, RegistryChange, Segment, Tally } from './records/fields.ts'
export { type AlarmMatchers, alarmMatchers } from './records/fields.ts'
export {
  type ConfigurationOrder,
  type ConfigurationOutcome,
  configurationBytesMax,
  type GatewayCommand,
  type GatewayOrder,
  type GatewayRecord,
  type GatewayReport,
  gatewayCommands,
  gatewayOrder,
  gatewayReport,
  type OrderAnswer,
} from './records/gateways.ts'
export type { EdgeCounts, GapRecord, LedgerRecord } from './records/ledger.ts'
export type { Delivery, RawRecord, RawTick } from './records/raw.ts'
export type { RejectedRecord } from './records/rejected.ts'
export type {
  BirthRecord,
  ControlTimelineRecord,
  CutCounts,
  CutRecord,
  DamageRecord,
  DeclarationRecord,
  EdgeAlarmRecord,
  EventRecord,
  GapTimelineRecord,
  LastKnownRecord,
  NodeRecord,
  ReadingsRecord,
  TickRecord,
  TimelineRecord,
} from './records/timeline.ts'
export * from './registry.ts'
export * from './timeline.ts'
export * from './topic-filter.ts'
