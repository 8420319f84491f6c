/**
 * The engine's state: plain data that JSON carries unchanged, format 1. Everything else (`plan.ts`) is derived from it.
 *
 * - A *series* is one (device, channel). It has a *live* lane and, once something came late, a *late* lane; the late lane
 *   never touches the live one.
 * - A lane holds `progress` only for rules that are not at rest:
 *
 *       sinceMs  alarm    means
 *       set      -        beyond the limit since then, delay on running
 *       -        set      alarm active
 *       set      set      alarm active, back inside since then, delay off running
 *
 * Names come from devices, so nothing here is keyed by a name: lists only.
 */
import type { AlarmMatchers, AlarmRecord, Counter, RegistrySpan } from '@millrace/contract'
import { MillraceError } from '@millrace/platform'
import type { StoredMemory } from './conditions/memory.ts'
import type { RuleFile } from './rule-file.ts'

export interface EngineState {
  f: 1
  /** Of the timeline, where it has several: each has an engine, and every engine sees the ticks of all raw partitions. */
  partition?: number
  file: RuleFile
  /** When the rule file began to act; `never` for the one the engine was made with. */
  sinceMs: number
  clocks: ClockState[]
  devices: DeviceState[]
  /** Cleared but not acknowledged, oldest first, at most `endedMax`. */
  ended: AlarmRecord[]
  /** Raised while `seriesMax` keeps series out. */
  full?: AlarmRecord
  /** What events of the timeline say is wrong with clocks, at most `warningsMax`. */
  warnings?: Warning[]
  /** Gateways that are down, at most `gatewaysMax`: see causes.ts. */
  gateways?: GatewayState[]
  /** Active alarms that gateways raised by rules that are not here, at most `unruledMax`: see edge.ts. */
  unruled?: AlarmRecord[]
  /** What is shelved or out of service, at most `holdsMax`: see holds.ts. */
  holds?: HoldState[]
  /** Alarms that nobody is to be told of, by what matches them, at most `silencesMax`: see silences.ts. */
  silences?: SilenceState[]
  /** Set by people beside the rule file, in the order in which they were set, at most `limitsMax`: see limits.ts. */
  limits?: LimitState[]
  counts: EngineCounts
}

export interface HoldState {
  /** Of its records. */
  id: string
  kind: 'shelved' | 'out-of-service'
  rule: string
  device: string
  channel: string
  by: string
  reason?: string
  atMs: number
  /** Shelved: when it is over at the latest. */
  untilMs?: number
  /** Shelved until an alarm clears. */
  once?: true
}

export interface SilenceState {
  id: string
  matchers: AlarmMatchers
  by: string
  reason: string
  atMs: number
  untilMs: number
}

export interface LimitState {
  id: string
  rule: string
  devices?: string[]
  subjects?: string[]
  groups?: string[]
  keys: Record<string, number>
  by: string
  reason: string
  atMs: number
  /** Absent: until somebody ends it. */
  untilMs?: number
  /** When its record was written last. */
  toldMs: number
}

/** A gateway that died, or of which nothing comes. */
export interface GatewayState {
  node: string
  fromMs: number
  /** In words. */
  why: string
  /** From when on alarms of missing data follow from it. */
  alarm?: AlarmRecord
}

/** One for each raw partition: a device's time advances only by ticks of its own. */
export interface ClockState {
  partition: number
  tickMs: number
  /** After an ingest gap nothing is decided by ticks before this time. */
  holdUntilMs: number
  /** After the clock was set back: until then a message may still have been stamped by the time before. */
  stampsUntilMs?: number
  gap?: AlarmRecord
}

export interface Warning {
  alarm: AlarmRecord
  /** Raw partitions that say so. */
  partitions: number[]
}

export interface DeviceState {
  device: string
  subject: string
  partition: number
  /** Its gateway, once a declaration, a birth or a death named it. */
  node?: string
  /** When the registry said that it is decommissioned: see out-of-use.ts. */
  outOfUse?: RegistrySpan[]
  series: SeriesState[]
}

export interface SeriesState {
  channel: string
  scale: number
  offset: number
  unit: string
  /** Declared as one that only counts up. */
  counter?: Counter
  /** Longest time without a reading while all is well, as declared. */
  silentMsMax?: number
  /** Only readings of the past come: all are late, and its silence says nothing. */
  isHistorical?: true
  /** Made of other series (score.ts), and nothing that a device sends. */
  isDerived?: true
  /** Its values are texts; a text among numbers is a bad sample. */
  isText?: true
  /** Tick at which it was first known; silence counts from here when no sample ever came. */
  knownMs?: number
  live: LaneState
  late?: LaneState
  /** Where the rules of its gateway had alarms: see edge.ts. */
  told?: ToldState[]
}

export interface ToldState {
  rule: string
  /** In the order in which they were told; without an end while the alarm is active. */
  spans: Span[]
}

export type Span = [raisedMs: number, clearedMs?: number]

export interface LaneState {
  subject: string
  /** Newest sample of any quality. */
  t: number
  /** Newest good sample. */
  good: number
  /** Announced absences not yet ended by a good sample, in time order, at most `absencesMax`. */
  absences: [fromMs: number, reason: string][]
  progress: Progress[]
  /** Of the rules whose condition has one, from their first sample on. */
  memory?: StoredMemory[]
  /** Late lane: the tick at which it last moved. */
  seenMs?: number
}

export interface Progress {
  rule: string
  sinceMs?: number
  /** Latest raw value, or text, beyond the limit. */
  raw?: number | string
  alarm?: AlarmRecord
  /** The alarm is suppressed, and its cause is over since then. */
  freeMs?: number
  /** When people were told of it again. */
  toldMs?: number
}

export interface EngineCounts {
  /** Samples judged in the late lane. */
  late: number
  /** Late samples out of order even among the late ones: ignored. */
  disordered: number
  /** Samples further ahead of the clock than `staleMs`: ignored. */
  ahead: number
  /** Bad samples: they freeze, and never clear. */
  bad: number
  /** Declarations and readings that `seriesMax` kept out. */
  refused: number
  /** Acknowledgements of alarms that are not known, or acknowledged already. */
  unknownAcknowledged: number
  /** Shelvings and the like that were not possible: of no rule, without a reason where one is needed, or past. */
  refusedOrders?: number
  /** Rule files in control records that were invalid: the previous rules stay in force. */
  badRules: number
  /** Unacknowledged ended alarms forgotten at `endedMax`. */
  forgotten: number
}

/** Before every time, and unlike -Infinity carried by JSON. */
export const never = Number.MIN_SAFE_INTEGER
export const absencesMax = 16
export const endedMax = 1000
export const warningsMax = 1000
export const gatewaysMax = 1000
export const holdsMax = 1000
export const silencesMax = 200
export const limitsMax = 1000

export function createEngine(file: RuleFile): EngineState {
  return {
    f: 1,
    file,
    sinceMs: never,
    clocks: [],
    devices: [],
    ended: [],
    counts: { late: 0, disordered: 0, ahead: 0, bad: 0, refused: 0, unknownAcknowledged: 0, badRules: 0, forgotten: 0 },
  }
}

export function newLane(subject: string): LaneState {
  return { subject, t: never, good: never, absences: [], progress: [] }
}

export function encodeEngine(state: EngineState): Uint8Array {
  return Buffer.from(JSON.stringify(state))
}

/** @throws MillraceError ALARMS_STATE_NEWER when a later version wrote it. */
export function decodeEngine(bytes: Uint8Array): EngineState {
  const state = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()) as EngineState
  if (state.f !== 1) throw new MillraceError('ALARMS_STATE_NEWER', { found: `${state.f}`, known: 1 })
  return state
}
