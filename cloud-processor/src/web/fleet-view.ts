/**
 * What the page shows of each device, kept in memory from live timeline records and bounded by `devicesMax` (room.ts).
 * Late (historical) records never move a last value, a state or an absence: they are the past.
 */
import type {
  BirthRecord,
  Channel,
  DeclarationRecord,
  GapTimelineRecord,
  LastKnownRecord,
  ReadingsRecord,
  Registry,
  Value,
} from '@millrace/contract'
import { ownValue } from '@millrace/platform'
import type { StoreReader, StoreTotal } from '../stores/store.ts'
import { type Registered, registered } from './registry/view.ts'
import { type Place, Room } from './room.ts'
import { scaleValue } from './scale.ts'
import type { DeviceView, LastValue } from './wire.ts'

interface Entry extends Place {
  view: Omit<DeviceView, 'node' | 'state' | 'channels' | 'last'>
  /** By channel: as it came, with the channel as it was declared then; it is scaled when somebody looks. */
  last: Map<string, Last>
  /** As it came in a retained copy. */
  lastKnown?: Map<string, Value>
  channels: Map<string, Channel>
  online: boolean
  /** Event time of the newest live reading since this process started. */
  liveMs?: number
}

interface Last {
  t: number
  raw: LastValue['v']
  q: number | undefined
  channel: Channel | undefined
}

const openGapsMs = 7 * 86_400_000

export interface FleetView {
  /** From the store: devices that were known before this process started, and what was absent then. They are offline until they speak. */
  load(store: StoreReader): Promise<void>
  /** Whether a device was heard of whose declaration was not seen, and was not in the store when that was asked. */
  hasUndeclared(): boolean
  readings(record: ReadingsRecord): void
  declaration(record: DeclarationRecord): void
  gap(record: GapTimelineRecord): void
  lastKnown(record: LastKnownRecord): void
  /** Names of the devices that it changed. */
  birth(record: BirthRecord): string[]
  /** Devices whose state, absences or correction are not those of the last call, and those that are new. */
  changed(): string[]
  /** Devices that were new since the last call; `changed` has them too. */
  takeAdded(): string[]
  /** Devices that lost their place, or got none, since the last call. */
  takeLeft(): string[]
  device(name: string): DeviceView | undefined
  channel(device: string, channel: string): Channel | undefined
  /** Of a device that is not shown: undefined. */
  standing(device: string): { node: string; isSteady: boolean } | undefined
  all(): DeviceView[]
}

export interface FleetViewConfig {
  devicesMax: number
  staleAfterMs: number
}

export function createFleetView(config: FleetViewConfig, now: () => number, registry: Registry = new Map()): FleetView {
  return new Fleet(config, now, registry)
}

class Fleet implements FleetView {
  readonly #config: FleetViewConfig
  readonly #now: () => number
  readonly #registry: Registry
  readonly #room: Room<Entry>
  /** What was told of each device last: its state and absences. */
  readonly #told = new Map<string, string>()
  #added = new Set<string>()
  #left = new Set<string>()

  constructor(config: FleetViewConfig, now: () => number, registry: Registry) {
    this.#config = config
    this.#registry = registry
    this.#now = now
    const places = { placesMax: config.devicesMax, aliveMs: config.staleAfterMs }
    this.#room = new Room<Entry>(places, (device) => this.#leave(device))
  }

  async load(store: StoreReader): Promise<void> {
    const totals = await store.totals()
    const open = (await store.gaps(undefined, this.#now() - openGapsMs, this.#now())).filter(({ toMs }) => toMs === undefined)
    const absences = Map.groupBy(open, ({ device }) => device)
    for (const { device, subject, node, channels } of fairly(await store.devices(), totals)) {
      const total = ownValue(totals, device)
      const known = this.#room.get(device) ?? this.#loaded({ device, subject, node }, total)
      if (!known) continue
      if (known.node === '') this.#room.moveTo(node, device, known)
      known.view.lastSeenMs ??= total?.lastMs || undefined
      // What was heard live in the meantime is newer.
      if (known.view.absences.length === 0)
        known.view.absences = (absences.get(device) ?? []).map(({ channel = '*', reason, fromMs }) => ({
          channel,
          reason,
          fromMs,
        }))
      for (const channel of channels) if (!known.channels.has(channel.name)) known.channels.set(channel.name, channel)
    }
  }

  /** What was stored takes no place of what speaks. */
  #loaded(named: { device: string; subject: string; node: string }, total: StoreTotal | undefined): Entry | undefined {
    if (!this.#room.hasFree()) {
      this.#left.add(named.device)
      return undefined
    }
    return this.#add(named, { firstMs: total?.firstMs ?? 0, lastMs: total?.lastMs ?? 0 })
  }

  hasUndeclared(): boolean {
    for (const { channels } of this.#room.values()) if (channels.size === 0) return true
    return false
  }

  readings(record: ReadingsRecord): void {
    if (record.hist) return void this.#entry(record)
    const known = this.#entry(record)
    if (!known) return
    const now = this.#now()
    this.#room.heard(record.device, known, now)
    known.online = true
    known.view.subject = record.subject
    known.view.lastReceivedMs = now
    if (record.clock) known.view.clock = record.clock
    else delete known.view.clock
    for (const name in record.channels) seeColumn(known, name, record.channels[name]!)
    for (const name in record.waves) for (const s of record.waves[name]!) seeTime(known, name, s.t + (s.v.length - 1) * s.i)
  }

  declaration(record: DeclarationRecord): void {
    const known = this.#entry(record)
    if (!known) return
    this.#room.moveTo(record.node, record.device, known)
    known.channels = new Map(record.channels.map((channel) => [channel.name, channel]))
  }

  gap(record: GapTimelineRecord): void {
    const known = this.#entry(record)
    if (!known) return
    const channel = record.channel ?? '*'
    const others = known.view.absences.filter((open) => open.channel !== channel)
    if (record.toMs !== undefined || endedBefore(known, channel, record.fromMs)) known.view.absences = others
    else known.view.absences = [...others, { channel, reason: record.reason, fromMs: record.fromMs }]
  }

  lastKnown(record: LastKnownRecord): void {
    const known = this.#entry(record)
    if (known) known.lastKnown = new Map([...(known.lastKnown ?? []), ...Object.entries(record.channels)])
  }

  birth(record: BirthRecord): string[] {
    const touched = this.#touchedBy(record)
    for (const known of touched) {
      known.online = record.k === 'birth'
      this.#room.moveTo(record.node, known.view.device, known)
      known.view.reason = record.reason
      if (known.online) known.view.lastReceivedMs = this.#now()
    }
    return touched.map(({ view }) => view.device)
  }

  #touchedBy(record: BirthRecord): Entry[] {
    if (record.device === '') return [...this.#room.ofNode(record.node)]
    const known = this.#entry(record)
    return known ? [known] : []
  }

  #entry({ device, subject, node = '' }: { device: string; subject: string; node?: string }): Entry | undefined {
    if (device === '') return undefined
    return this.#room.get(device) ?? this.#add({ device, subject, node }, { firstMs: 0, lastMs: 0 })
  }

  #add(
    { device, subject, node }: { device: string; subject: string; node: string },
    times: Omit<Place, 'node'>,
  ): Entry | undefined {
    const view = { device, subject, absences: [] }
    const entry: Entry = { view, node, ...times, last: new Map(), channels: new Map(), online: false }
    if (!this.#room.add(device, entry, this.#now())) return undefined
    this.#added.add(device)
    this.#left.delete(device)
    return entry
  }

  #leave(device: string): void {
    this.#left.add(device)
    this.#added.delete(device)
    this.#told.delete(device)
  }

  changed(): string[] {
    const names: string[] = []
    for (const known of this.#room.values()) {
      const name = known.view.device
      const { absences, clock } = known.view
      const current = [
        this.#state(known),
        clock?.byMs,
        ...Object.values(this.#registered(name)),
        ...absences.map((open) => `${open.channel} ${open.reason}`),
      ].join()
      if (this.#told.get(name) === current) continue
      names.push(name)
      this.#told.set(name, current)
    }
    return names
  }

  takeAdded(): string[] {
    const added = [...this.#added]
    this.#added = new Set()
    return added
  }

  takeLeft(): string[] {
    const left = [...this.#left]
    this.#left = new Set()
    return left
  }

  device(name: string): DeviceView | undefined {
    const known = this.#room.get(name)
    return known && this.#show(known)
  }

  channel(device: string, channel: string): Channel | undefined {
    return this.#room.get(device)?.channels.get(channel)
  }

  standing = (device: string): { node: string; isSteady: boolean } | undefined => {
    const known = this.#room.get(device)
    return known && { node: known.node, isSteady: this.#room.isSteady(device) }
  }

  all(): DeviceView[] {
    return [...this.#room.values()].map((known) => this.#show(known)).sort((a, b) => (a.device < b.device ? -1 : 1))
  }

  #show(known: Entry): DeviceView {
    return {
      ...known.view,
      ...this.#registered(known.view.device),
      node: known.node,
      last: Object.fromEntries([...known.last].map(([channel, last]) => [channel, scaleLast(last)])),
      ...(known.lastKnown ? { lastKnown: scaleKnown(known.lastKnown, known.channels) } : {}),
      state: this.#state(known),
      channels: [...known.channels.values()],
    }
  }

  #registered(device: string): Registered {
    const entry = this.#registry.get(device)
    return entry ? registered(entry, device) : {}
  }

  /** Nobody waits for one that is decommissioned. */
  #state({ online, view }: Entry): DeviceView['state'] {
    if (!online || this.#registered(view.device).decommissionedMs !== undefined) return 'offline'
    const { staleAfterMs } = this.#config
    return view.lastReceivedMs !== undefined && this.#now() - view.lastReceivedMs > staleAfterMs ? 'stale' : 'online'
  }
}

/** The newest of each node first, then the second of each, and so on. */
function fairly<D extends { device: string; node: string }>(devices: D[], totals: Record<string, StoreTotal>): D[] {
  const lastMs = ({ device }: D) => ownValue(totals, device)?.lastMs ?? 0
  const ranked = [...Map.groupBy(devices, ({ node }) => node).values()].flatMap((own) =>
    own.sort((a, b) => lastMs(b) - lastMs(a)).map((device, rank) => ({ device, rank })),
  )
  return ranked.sort((a, b) => a.rank - b.rank).map(({ device }) => device)
}

function seeColumn(known: Entry, name: string, column: { t: number[]; v: LastValue['v'][]; q?: number[] }): void {
  const at = column.t.length - 1
  if (at < 0) return
  const t = column.t[at]!
  const last = known.last.get(name)
  const raw = column.v[at]!
  const q = column.q?.[at]
  const channel = known.channels.get(name)
  if (last === undefined) known.last.set(name, { t, raw, q, channel })
  else if (last.t <= t) {
    last.t = t
    last.raw = raw
    last.q = q
    last.channel = channel
  }
  seeTime(known, name, t)
}

function scaleLast({ t, raw, q, channel }: Last): LastValue {
  return { t, v: scaleValue(raw, channel), ...(q ? { q } : {}) }
}

function scaleKnown(values: Map<string, Value>, channels: Map<string, Channel>): Record<string, Value> {
  return Object.fromEntries([...values].map(([name, value]) => [name, scaleValue(value, channels.get(name))]))
}

/** An absence of a channel ends with that channel's next reading; one of the whole device with any. */
function seeTime(known: Entry, channel: string, t: number): void {
  known.liveMs = Math.max(known.liveMs ?? 0, t)
  known.view.lastSeenMs = known.liveMs
  if (known.view.absences.length === 0) return
  known.view.absences = known.view.absences.filter((a) => !((a.channel === channel || a.channel === '*') && t > a.fromMs))
}

/** An absence that arrives after a newer reading of its channel is over already. */
function endedBefore(known: Entry, channel: string, fromMs: number): boolean {
  const newest = channel === '*' ? known.liveMs : known.last.get(channel)?.t
  return newest !== undefined && newest > fromMs
}
