/**
 * What the page shows of each device, kept in memory from live timeline records and bounded by `devicesMax`.
 * Late (historical) records never move a last value, a state or an absence: they are the past.
 */
import type {
  BirthRecord,
  Channel,
  DeclarationRecord,
  GapTimelineRecord,
  LastKnownRecord,
  ReadingsRecord,
  Value,
} from '@millrace/contract'
import type { StoreReader } from '../stores/store.ts'
import { scaleValue } from './scale.ts'
import type { DeviceView, LastValue } from './wire.ts'

interface Entry {
  view: Omit<DeviceView, 'state' | 'channels' | 'last'>
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
  /** Devices whose state or absences are not those of the last call. */
  changed(): string[]
  device(name: string): DeviceView | undefined
  channel(device: string, channel: string): Channel | undefined
  all(): DeviceView[]
}

export interface FleetViewConfig {
  devicesMax: number
  staleAfterMs: number
}

export function createFleetView(config: FleetViewConfig, now: () => number): FleetView {
  return new Fleet(config, now)
}

class Fleet implements FleetView {
  readonly #config: FleetViewConfig
  readonly #now: () => number
  readonly #entries = new Map<string, Entry>()
  /** What was told of each device last: its state and absences. */
  readonly #told = new Map<string, string>()

  constructor(config: FleetViewConfig, now: () => number) {
    this.#config = config
    this.#now = now
  }

  async load(store: StoreReader): Promise<void> {
    const totals = await store.totals()
    const open = (await store.gaps(undefined, this.#now() - openGapsMs, this.#now())).filter(({ toMs }) => toMs === undefined)
    for (const { device, subject, node, channels } of await store.devices()) {
      const known = this.#entry(device, subject)
      if (!known) return
      if (known.view.node === '') known.view.node = node
      known.view.lastSeenMs ??= totals[device]?.lastMs || undefined
      // What was heard live in the meantime is newer.
      if (known.view.absences.length === 0)
        known.view.absences = open
          .filter((gap) => gap.device === device)
          .map(({ channel = '*', reason, fromMs }) => ({ channel, reason, fromMs }))
      for (const channel of channels) if (!known.channels.has(channel.name)) known.channels.set(channel.name, channel)
    }
  }

  hasUndeclared(): boolean {
    for (const { channels } of this.#entries.values()) if (channels.size === 0) return true
    return false
  }

  readings(record: ReadingsRecord): void {
    const known = this.#entry(record.device, record.subject)
    if (!known || record.hist) return
    known.online = true
    known.view.subject = record.subject
    known.view.lastReceivedMs = this.#now()
    for (const name in record.channels) seeColumn(known, name, record.channels[name]!)
    for (const name in record.waves) for (const s of record.waves[name]!) seeTime(known, name, s.t + (s.v.length - 1) * s.i)
  }

  declaration(record: DeclarationRecord): void {
    const known = this.#entry(record.device, record.subject)
    if (!known) return
    known.view.node = record.node
    known.channels = new Map(record.channels.map((channel) => [channel.name, channel]))
  }

  gap(record: GapTimelineRecord): void {
    const known = this.#entry(record.device, record.subject)
    if (!known) return
    const channel = record.channel ?? '*'
    const others = known.view.absences.filter((open) => open.channel !== channel)
    if (record.toMs !== undefined || endedBefore(known, channel, record.fromMs)) known.view.absences = others
    else known.view.absences = [...others, { channel, reason: record.reason, fromMs: record.fromMs }]
  }

  lastKnown({ device, subject, channels }: LastKnownRecord): void {
    const known = this.#entry(device, subject)
    if (known) known.lastKnown = new Map([...(known.lastKnown ?? []), ...Object.entries(channels)])
  }

  birth(record: BirthRecord): string[] {
    const touched = this.#touchedBy(record)
    for (const known of touched) {
      known.online = record.k === 'birth'
      known.view.node = record.node
      known.view.reason = record.reason
      if (known.online) known.view.lastReceivedMs = this.#now()
    }
    return touched.map(({ view }) => view.device)
  }

  #touchedBy(record: BirthRecord): Entry[] {
    const touched = [...this.#entries.values()].filter(({ view }) =>
      record.device === '' ? view.node === record.node : view.device === record.device,
    )
    if (touched.length > 0 || record.device === '') return touched
    const fresh = this.#entry(record.device, record.subject)
    return fresh ? [fresh] : []
  }

  #entry(device: string, subject: string): Entry | undefined {
    let known = this.#entries.get(device)
    if (!known && device !== '' && this.#entries.size < this.#config.devicesMax) {
      known = { view: { device, subject, node: '', absences: [] }, last: new Map(), channels: new Map(), online: false }
      this.#entries.set(device, known)
    }
    return known
  }

  changed(): string[] {
    const names: string[] = []
    for (const [name, known] of this.#entries) {
      const current = [this.#state(known), ...known.view.absences.map((open) => `${open.channel} ${open.reason}`)].join()
      if (this.#told.get(name) !== current) names.push(name)
      this.#told.set(name, current)
    }
    return names
  }

  device(name: string): DeviceView | undefined {
    const known = this.#entries.get(name)
    return known && this.#show(known)
  }

  channel(device: string, channel: string): Channel | undefined {
    return this.#entries.get(device)?.channels.get(channel)
  }

  all(): DeviceView[] {
    return [...this.#entries.values()].map((known) => this.#show(known)).sort((a, b) => (a.device < b.device ? -1 : 1))
  }

  #show(known: Entry): DeviceView {
    return {
      ...known.view,
      last: Object.fromEntries([...known.last].map(([channel, last]) => [channel, scaleLast(last)])),
      ...(known.lastKnown ? { lastKnown: scaleKnown(known.lastKnown, known.channels) } : {}),
      state: this.#state(known),
      channels: [...known.channels.values()],
    }
  }

  #state({ online, view }: Entry): DeviceView['state'] {
    if (!online) return 'offline'
    const { staleAfterMs } = this.#config
    return view.lastReceivedMs !== undefined && this.#now() - view.lastReceivedMs > staleAfterMs ? 'stale' : 'online'
  }
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
