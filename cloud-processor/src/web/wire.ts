/** What the page and other clients of the API receive: the shapes of `/api/*` and of the events of `/api/live`. */
import type { LimitState } from '@millrace/alarms'
import type {
  AbsenceReason,
  AlarmMatchers,
  AlarmRecord,
  Channel,
  Column,
  GatewayReport,
  Segment,
  Tally,
  Value,
} from '@millrace/contract'
import type { Step } from '../gateways/index.ts'
import type { Role } from '../people/index.ts'
import type { LedgerRow, StoredGap, StoreTotal } from '../stores/store.ts'

/** How the pipeline is doing, measured by the processor. */
export interface PipelineStatus {
  stages: StageStatus[]
  bridge: BridgeView
  nodes: NodeStatus[]
  log: { id: string; bytes: number }
  readingsPerS: number
  /** Days that the store keeps readings; 0 is without limit. Absent: nobody knows. */
  keptDays?: number
  /** From the reading's time to the store, where measured. */
  latencyMs?: number
}

/** A gateway by its newest report. */
export interface GatewayView extends GatewayReport {
  node: string
  reportedMs: number
  /** Its place in the newest roll-out that named it. */
  rollout?: Step & { id: string }
}

/** A silence of now. */
export interface SilenceView {
  id: string
  matchers: AlarmMatchers
  untilMs: number
  /** Who made it, and why. */
  by: string
  reason: string
  atMs: number
}

/** `/api/registry`. */
export interface RegistryDevice {
  device: string
  node: string
  /** Now; by default the device. */
  subject: string
  name?: string
  place?: string
  decommissionedMs?: number
  replaces?: string
  replacedBy?: string
  /** What it was assigned to when, the oldest first. */
  subjects: RegistryTime[]
  places: RegistryTime[]
}

/** `[fromMs, toMs)`, without an end where `toMs` is absent; who said so when, and why. */
export interface RegistryTime {
  value: string
  fromMs: number
  toMs?: number
  by: string
  reason?: string
  atMs: number
}

/** A limit that counts now, beside the rule file. */
export type LimitView = Omit<LimitState, 'toldMs'>

/** `/api/limits/try`: over what is stored of a time, alarms that people would have been told of. */
export interface LimitTrial {
  fromMs: number
  toMs: number
  devices: number
  readings: number
  /** By the limits of now. */
  now: { alarms: number; perDay: number }
  /** By the one that is tried. */
  tried: { alarms: number; perDay: number }
}

/** `/api/limits`. */
export interface LimitsView {
  limits: LimitView[]
  /** What a limit can change: the numbers of each rule, as the configuration says them; null where it says none. */
  rules: { rule: string; channel: string; condition: string; keys: Record<string, number | null> }[]
  groups: string[]
  /** For how long an operator may set one. */
  msMax: number
}

export interface BridgeView {
  connected: boolean
  receivedPerS: number
  /** Historical batches that were not taken yet, since the start; their agents send them again. */
  heldHistorical: number
  credit: number
  /** Live data lags and goes first; the backlog has its guaranteed minimum. */
  isBehind: boolean
  backlogBytesPerS: number
  backlogBytesPerSMin: number
}

export interface StageStatus {
  name: string
  lagRecords: number
  lagMs: number
  received: number
  sent: number
}

/** One edge agent; its backlog is what its outbox holds and the cloud has not receipted. */
export interface NodeStatus {
  node: string
  online: boolean
  backlogRows?: number
  backlogBytes?: number
}

export type DeviceState = 'online' | 'offline' | 'stale'

/** The newest reading of a channel, scaled. */
export interface LastValue {
  t: number
  v: Value
  q?: number
}

export interface OpenAbsence {
  channel: string
  reason: AbsenceReason
  fromMs: number
}

export interface DeviceView {
  device: string
  subject: string
  /** What the device registry says of it. */
  name?: string
  place?: string
  decommissionedMs?: number
  node: string
  state: DeviceState
  /** Why, when a birth or a death said so. */
  reason?: string
  /** Event time of the newest live reading. */
  lastSeenMs?: number
  /** By the processor's clock. */
  lastReceivedMs?: number
  /** By how much the newest live readings were corrected, since their gateway's clock is off, and within how many ms that is right. */
  clock?: { byMs: number; uncertaintyMs: number }
  channels: Channel[]
  last: Record<string, LastValue>
  /** Scaled values that a retained copy brought, measured nobody knows when. They say nothing of whether the device is there. */
  lastKnown?: Record<string, Value>
  absences: OpenAbsence[]
}

/** The ledger of everything, or of one device. At the latest cut, `read` is the sum of the others when it closes. */
export interface LedgerSum {
  read: Tally
  stored: Tally
  filtered: Tally
  rejected: Tally
  evicted: Tally
  collapsed: Tally
  /** Removed by the store's retention. */
  expired: Tally
  /** Left over by the equation; zero when the ledger closes. */
  difference: Tally
  /** Put on the timeline from above the cut: stored already, not yet in the sums. */
  ahead: Tally
  balanced: boolean
}

export interface LedgerView {
  atMs: number
  total: LedgerSum
  devices: (LedgerSum & { device: string; node: string; streams: number })[]
  /** Readings of derived channels, which are in neither: `read` are those that were computed. */
  derived: LedgerSum
  /** By device and stream; left out of the live events. */
  rows: LedgerRow[]
  /** What the store counts now, by device, cut or no cut. */
  stored: Record<string, StoreTotal>
  balanced: boolean
  /** Measured, never a remainder: rows waiting in outboxes, records waiting between stages. */
  inFlight: { outboxRows: number; logRecords: number }
}

// ---- events of /api/live -------------------------------------------------------------------------------------------

/** `hello`: everything, on connecting and after a client fell so far behind that events were left out. */
export interface HelloEvent {
  serverMs: number
  /** From this age on a value is not to be called live. */
  staleAfterMs: number
  fleet: DeviceView[]
  alarms: AlarmRecord[]
  status: PipelineStatus
  leftOut?: LeftOutView
  ledger?: LedgerView
}

/** What the page had no place for in the last one or two minutes, and how much it has a place for. */
export interface LeftOutView {
  devices: number
  alarms: number
  devicesMax: number
  alarmsMax: number
}

/** `left`: devices by name and alarms by id that lost their place; the page forgets them. */
export interface LeftEvent {
  devices: string[]
  alarms: string[]
}

/** `values`: live readings of one device since the last event. Columns are scaled; wave samples are the device's integers. */
export interface ValuesEvent {
  device: string
  channels: Record<string, Column>
  waves: Record<string, Segment[]>
}

/** `late`: readings of the past arrived; a chart that shows that time asks for it again. */
export interface LateEvent {
  device: string
  fromMs: number
  toMs: number
}

/** `gap`. */
export type GapEvent = StoredGap

/** `status`, once a second: also the heartbeat by which a client knows that the link lives. */
export type StatusEvent = PipelineStatus & { serverMs: number; leftOut?: LeftOutView }

// ---- answers -------------------------------------------------------------------------------------------------------

/** `/api/devices/:device/series`: points while they fit, else steps. Values are scaled. */
export type Series = { device: string; channel: string; unit: string; gaps: StoredGap[] } & (
  | { kind: 'points'; t: number[]; v: Value[]; q?: number[] }
  | { kind: 'steps'; stepMs: number; t: number[]; count: number[]; min: number[]; max: number[]; mean: number[]; last: number[] }
)

/** `/api/devices/:device/waves`: `value = v * scale + offset`. */
export interface Waves {
  device: string
  channel: string
  unit: string
  scale: number
  offset: number
  segments: Segment[]
  gaps: StoredGap[]
  /** True when there was more than one answer may hold; ask again from the last sample on. */
  more: boolean
}

/** `/api/me`. */
export interface Me {
  name: string
  role: Role
  /** Filters over `<group>/<node>/<device>`; none: everything. */
  scope: string[]
  /** `machine`: nobody was asked to log in. */
  by: 'session' | 'password' | 'credential' | 'machine'
}

/** `/api/accounts`. */
export interface AccountView {
  name: string
  role: Role
  scope: string[]
  /** Its link was not opened yet. */
  isInvited: boolean
  sessions: number
}
