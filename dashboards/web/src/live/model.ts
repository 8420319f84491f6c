/** What the page knows, as signals: each device has its own, so that a reading redraws one card and no other. */
import type {
  DeviceView,
  GapEvent,
  HelloEvent,
  LastValue,
  LateEvent,
  LedgerView,
  PipelineStatus,
  ValuesEvent,
} from '@millrace/cloud-processor/web'
import type { AlarmRecord, Channel } from '@millrace/contract'
import { batch, computed, type Signal, signal } from '@preact/signals'
import { Ring } from './ring.ts'
import { nowSecond, serverNow, setServerTime } from './time.ts'
import { Trail } from './trail.ts'

export interface Device {
  name: string
  view: Signal<Omit<DeviceView, 'last'>>
  last: Signal<Record<string, LastValue>>
  /** Rises with every gap or late arrival that a chart of the past should show. */
  past: Signal<number>
  rings: Map<string, Ring>
  trails: Map<string, Trail>
}

export const deviceNames = signal<string[]>([])
const alarms = signal<Map<string, AlarmRecord>>(new Map())
export const pipeline = signal<PipelineStatus | undefined>(undefined)
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
const isOpen = (alarm: AlarmRecord) => !alarm.retrospective && (alarm.active || !alarm.acknowledged)

export const openAlarms = computed(() => [...alarms.value.values()].filter(isOpen).sort(byUrgency))
export const settledAlarms = computed(() =>
  [...alarms.value.values()].filter((alarm) => !isOpen(alarm)).sort((a, b) => b.atMs - a.atMs),
)
export const alarmsOf = (name: string) => openAlarms.value.filter((alarm) => alarm.device === name)

export function applyHello({ serverMs, staleAfterMs: stale, fleet, alarms: list, status, ledger: view }: HelloEvent): void {
  batch(() => {
    setServerTime(serverMs)
    staleAfterMs.value = stale
    nowSecond.value = serverNow()
    for (const one of fleet) applyState(one)
    const known = new Set(fleet.map((one) => one.device))
    for (const name of devices.keys()) if (!known.has(name)) devices.delete(name)
    deviceNames.value = bySubject()
    alarms.value = new Map(list.map((alarm) => [alarm.id, alarm]))
    pipeline.value = status
    if (view) ledger.value = view
    for (const one of devices.values()) one.past.value++
  })
}

export function applyState({ last, ...view }: DeviceView): void {
  const known = devices.get(view.device)
  if (known) {
    known.view.value = view
    known.last.value = last
    return
  }
  const added = {
    name: view.device,
    view: signal(view),
    last: signal(last),
    past: signal(0),
    rings: new Map(),
    trails: new Map(),
  }
  devices.set(view.device, added)
  deviceNames.value = bySubject()
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
  const last = { ...known.last.peek() }
  let moved = false
  for (const channel in channels) {
    const { t, v, q } = channels[channel]!
    const at = t.length - 1
    if (at < 0) continue
    trailOf(known, channel).add(t, v)
    last[channel] = { t: t[at]!, v: v[at]!, ...(q?.[at] ? { q: q[at] } : {}) }
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

export function applyAlarm(alarm: AlarmRecord): void {
  const next = new Map(alarms.peek())
  next.delete(alarm.id)
  next.set(alarm.id, alarm)
  if (next.size > 1000) next.delete(next.keys().next().value!)
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
