/** What the page knows, as signals: each device has its own, so that a reading redraws one card and no other. */
import type {
  DeviceView,
  GapEvent,
  HelloEvent,
  LastValue,
  LateEvent,
  LedgerView,
  LeftEvent,
  LeftOutView,
  PipelineStatus,
  ValuesEvent,
} from '@millrace/cloud-processor/web'
import type { AlarmRecord, Channel } from '@millrace/contract'
import { batch, computed, type Signal, signal } from '@preact/signals'
import { Ring } from './ring.ts'
import { States } from './states.ts'
import { nowSecond, serverNow, setServerTime } from './time.ts'
import { Trail } from './trail.ts'

export interface Device {
  name: string
  view: Signal<Omit<DeviceView, 'last'>>
  /** By channel. */
  last: Signal<Map<string, LastValue>>
  /** Rises with every gap or late arrival that a chart of the past should show. */
  past: Signal<number>
  rings: Map<string, Ring>
  trails: Map<string, Trail>
  /** Of texts and booleans. */
  states: Map<string, States>
}

export const deviceNames = signal<string[]>([])
const alarms = signal<Map<string, AlarmRecord>>(new Map())
export const pipeline = signal<PipelineStatus | undefined>(undefined)
export const leftOut = signal<LeftOutView | undefined>(undefined)
export const ledger = signal<LedgerView | undefined>(undefined)
/** From this age on a value is not called live. */
export const staleAfterMs = signal(5000)
/** The newest alarm that was raised while the page was open, for the screen reader. */
export const announced = signal('')

/** An old alarm that is sent again after a restart is not announced. */
const announceForMs = 60_000

const devices = new Map<string, Device>()
export const device = (name: string) => devices.get(name)

const rank = { high: 0, medium: 1, low: 2 }
const byUrgency = (a: AlarmRecord, b: AlarmRecord) =>
  Number(b.active) - Number(a.active) || rank[a.priority] - rank[b.priority] || b.raisedMs - a.raisedMs
export const isOpen = ({ retrospective, active, acknowledged, unannounced }: AlarmRecord) =>
  !retrospective && (active || (!acknowledged && !unannounced))

/** Those that follow from another that is open are shown under it. */
const allOpen = computed(() => [...alarms.value.values()].filter(isOpen).sort(byUrgency))
const foldedAlarms = computed(() =>
  Map.groupBy(
    allOpen.value.filter(({ cause }) => cause !== undefined),
    ({ cause }) => cause!,
  ),
)
export const dependentsOf = (id: string) => foldedAlarms.value.get(id) ?? []
export const openAlarms = computed(() =>
  allOpen.value.filter(({ cause }) => cause === undefined || !alarms.value.get(cause)?.active),
)
/** Records of shelving, out of service, silences and limits themselves. */
const isHold = ({ id }: AlarmRecord) => /\/[soml]$/.test(id)
export const heldBack = computed(() =>
  [...alarms.value.values()].filter((alarm) => isHold(alarm) && (alarm.shelved || alarm.outOfService || alarm.silenced)),
)
/** Another text each time that a limit is set or ends. */
export const limitsTold = computed(() =>
  [...alarms.value.values()].flatMap(({ id, atMs, change }) => (id.endsWith('/l') ? [`${id} ${change} ${atMs}`] : [])).join(),
)
export const settledAlarms = computed(() =>
  [...alarms.value.values()].filter((alarm) => !isOpen(alarm) && !isHold(alarm)).sort((a, b) => b.atMs - a.atMs),
)
export const alarmsOf = (name: string) => openAlarms.value.filter((alarm) => alarm.device === name)

export function applyHello({
  serverMs,
  staleAfterMs: stale,
  fleet,
  alarms: list,
  status,
  leftOut: left,
  ledger: view,
}: HelloEvent): void {
  batch(() => {
    setServerTime(serverMs)
    staleAfterMs.value = stale
    nowSecond.value = serverNow()
    for (const one of fleet) takeState(one)
    const known = new Set(fleet.map((one) => one.device))
    for (const name of devices.keys()) if (!known.has(name)) devices.delete(name)
    deviceNames.value = bySubject()
    alarms.value = new Map(list.map((alarm) => [alarm.id, alarm]))
    pipeline.value = status
    leftOut.value = left
    if (view) ledger.value = view
    for (const one of devices.values()) one.past.value++
  })
}

export function applyState(view: DeviceView): void {
  if (takeState(view)) sortSoon()
}

/** True for a device that is new. */
function takeState({ last, ...view }: DeviceView): boolean {
  const known = devices.get(view.device)
  if (known) {
    known.view.value = view
    known.last.value = new Map(Object.entries(last))
    return false
  }
  const added = {
    name: view.device,
    view: signal(view),
    last: signal(new Map(Object.entries(last))),
    past: signal(0),
    rings: new Map(),
    trails: new Map(),
    states: new Map(),
  }
  devices.set(view.device, added)
  return true
}

let isSorting = false

/** Many new devices make one new order. */
function sortSoon(): void {
  if (isSorting) return
  isSorting = true
  setTimeout(() => {
    isSorting = false
    deviceNames.value = bySubject()
  }, 100)
}

/** As people count: bed 2 before bed 10. */
function bySubject(): string[] {
  const { compare } = new Intl.Collator(undefined, { numeric: true })
  const key = ({ name, view }: Device) => `${view.peek().subject} ${name}`
  return [...devices.values()].sort((a, b) => compare(key(a), key(b))).map(({ name }) => name)
}

export function applyValues({ device: name, channels, waves }: ValuesEvent): void {
  const known = devices.get(name)
  if (!known) return
  for (const channel in waves) {
    const segments = waves[channel]!
    const declared = channelOf(known, channel)
    let ring = known.rings.get(channel)
    if (!ring && segments.length > 0) {
      ring = new Ring(segments[0]!.i)
      known.rings.set(channel, ring)
    }
    for (const segment of segments) ring!.add(segment, declared?.scale ?? 1, declared?.offset ?? 0)
  }
  const last = new Map(known.last.peek())
  let moved = false
  for (const channel in channels) {
    const { t, v, q } = channels[channel]!
    const at = t.length - 1
    if (at < 0) continue
    if (typeof v[at] === 'number') trailOf(known, channel).add(t, v)
    else statesOf(known, channel).add(t, v)
    last.set(channel, { t: t[at]!, v: v[at]!, ...(q?.[at] ? { q: q[at] } : {}) })
    moved = true
  }
  if (moved) known.last.value = last
}

export function applyGap({ device: name }: GapEvent): void {
  const known = devices.get(name)
  if (known) known.past.value++
}

export function applyLate({ device: name }: LateEvent): void {
  const known = devices.get(name)
  if (known) known.past.value++
}

/** The processor says what has lost its place, so that both keep the same. */
export function applyLeft({ devices: names, alarms: ids }: LeftEvent): void {
  for (const name of names) devices.delete(name)
  if (names.length > 0) sortSoon()
  if (ids.length === 0) return
  const next = new Map(alarms.peek())
  for (const id of ids) next.delete(id)
  alarms.value = next
}

export function applyAlarm(alarm: AlarmRecord): void {
  const next = new Map(alarms.peek())
  next.delete(alarm.id)
  next.set(alarm.id, alarm)
  alarms.value = next
  if (alarm.change === 'raised' && !alarm.retrospective && serverNow() - alarm.atMs < announceForMs) {
    announced.value = `${alarm.priority} alarm, ${alarm.subject}: ${alarm.text}`
  }
}

export function channelOf(known: Device, name: string): Channel | undefined {
  return known.view.peek().channels.find((channel) => channel.name === name)
}

export function trailOf(known: Device, channel: string): Trail {
  let trail = known.trails.get(channel)
  if (!trail) {
    trail = new Trail()
    known.trails.set(channel, trail)
  }
  return trail
}

function statesOf(known: Device, channel: string): States {
  let states = known.states.get(channel)
  if (!states) {
    states = new States()
    known.states.set(channel, states)
  }
  return states
}
