/**
 * Up to which time everything is here, by the ledger. The times of a series rise with the numbers of its stream. So when a cut says
 * that all numbers up to n are settled, a reading that is still to come is later than the newest one of its series up to n.
 *
 *     series   newest time among numbers up to the newest cut
 *     stream   the least of its series; one that is silent for a known reason (unplugged, probe off) counts for nothing
 *     node     the least of its open streams; when all are closed the last one's newest time
 *     all      the least of the nodes and of the ticks: up to the tick everything that the bridge received is here
 *
 * A node that is away holds it back: it may have readings that nobody has seen. It is named.
 */
import { type CutRecord, deathReasons, type ReadingsRecord, type TickRecord, type TimelineRecord } from '@millrace/contract'

interface Series {
  /** Newest time from numbers up to the newest cut. */
  doneMs?: number
  /** Above the cut: newest time up to a number. */
  ahead: [number: number, ms: number][]
  isSilent?: true
}

interface Stream {
  through: number
  node?: string
  toMs?: number
  isClosed?: true
  devices: Map<string, Map<string, Series>>
}

/** Past it the oldest two become one, under the higher number: it counts later, never earlier. */
const aheadMax = 256
/** Of sources without an agent: nothing is known of what they have not sent. */
const withoutAgent = 'bridge'

export interface View {
  toMs?: number
  /** Nodes with the time up to which each is complete; null: no cut yet. */
  nodes: Record<string, number | null>
}

export class Completeness {
  readonly #streams = new Map<string, Stream>()
  readonly #nodes = new Map<string, string>()
  readonly #ticks = new Map<number, number>()

  constructor(saved?: unknown) {
    if (saved === undefined) return
    const { streams, nodes, ticks } = saved as Saved
    for (const [name, { devices, ...rest }] of streams)
      this.#streams.set(name, { ...rest, devices: new Map(devices.map(([device, series]) => [device, new Map(series)])) })
    for (const [device, node] of nodes) this.#nodes.set(device, node)
    for (const [partition, ms] of ticks) this.#ticks.set(partition, ms)
  }

  take(record: TimelineRecord, rawPartition: number): void {
    if (record.k === 'readings') this.#readings(record)
    else if (record.k === 'cut') this.#cut(record)
    else if (record.k === 'tick') this.#tick(record, rawPartition)
    else if (record.k === 'declaration') this.#nodes.set(record.device, record.node)
    else if (record.k === 'gap' && record.toMs === undefined) this.#silence(record.device, record.channel)
    // The death of a node says that its link is down: it goes on measuring.
    else if (record.k === 'death' && record.reason !== deathReasons.node) this.#silence(record.device)
  }

  view(): View {
    const byNode = [...Map.groupBy(this.#streams.values(), (stream) => this.#nodeOf(stream))]
    const settled = byNode.map(([node, streams]) => [node, nodeTo(streams) ?? null] as const)
    const nodes = Object.fromEntries(settled)
    const least = [...this.#ticks.values(), ...Object.values(nodes)]
    const isKnown = this.#ticks.size > 0 && least.every((ms) => ms !== null)
    return isKnown ? { toMs: Math.min(...(least as number[])), nodes } : { nodes }
  }

  /** As JSON. */
  save(): Saved {
    this.#forgetClosed()
    return {
      streams: [...this.#streams].map(([name, { devices, ...rest }]) => [
        name,
        { ...rest, devices: [...devices].map(([device, series]) => [device, [...series]]) },
      ]),
      nodes: [...this.#nodes],
      ticks: [...this.#ticks],
    }
  }

  #readings({ stream: name, number, device, channels, waves }: ReadingsRecord): void {
    if (name === undefined || number === undefined || name === withoutAgent) return
    const stream = this.#streamOf(name)
    const series = stream.devices.get(device) ?? new Map<string, Series>()
    stream.devices.set(device, series)
    for (const channel in channels) see(series, channel, { number, ms: newest(channels[channel]!.t), through: stream.through })
    for (const channel in waves) {
      const ms = newest(waves[channel]!.map(({ t }) => t))
      see(series, channel, { number, ms, through: stream.through })
    }
  }

  #cut({ stream: name, node, through, closed }: CutRecord): void {
    if (name === withoutAgent) return
    const stream = this.#streamOf(name)
    stream.node = node
    stream.through = Math.max(stream.through, through)
    const all = [...stream.devices.values()].flatMap((series) => [...series.values()])
    for (const series of all) settle(series, stream.through)
    if (closed) stream.isClosed = true
    const toMs = streamTo(all, closed)
    if (toMs !== undefined) stream.toMs = Math.max(stream.toMs ?? toMs, toMs)
    if (closed) stream.devices.clear()
  }

  #tick({ atMs }: TickRecord, rawPartition: number): void {
    this.#ticks.set(rawPartition, Math.max(this.#ticks.get(rawPartition) ?? atMs, atMs))
  }

  #silence(device: string, channel?: string): void {
    for (const { devices } of this.#streams.values())
      for (const [name, series] of devices.get(device) ?? [])
        if (channel === undefined || channel === name) series.isSilent = true
  }

  #streamOf(name: string): Stream {
    const stream: Stream = this.#streams.get(name) ?? { through: 0, devices: new Map() }
    this.#streams.set(name, stream)
    return stream
  }

  #nodeOf({ node, devices }: Stream): string {
    const device = devices.keys().next().value
    return node ?? this.#nodes.get(device ?? '') ?? `the node of ${device}`
  }

  /** Of the closed streams of a node the newest says all that is needed. */
  #forgetClosed(): void {
    const closed = [...this.#streams].filter(([, { isClosed }]) => isClosed)
    for (const ofNode of Map.groupBy(closed, ([, { node }]) => node).values())
      for (const [name] of ofNode.slice(0, -1)) this.#streams.delete(name)
  }
}

interface Saved {
  streams: [string, Omit<Stream, 'devices'> & { devices: [string, [string, Series][]][] }][]
  nodes: [string, string][]
  ticks: [number, number][]
}

const newest = (times: number[]): number => times.reduce((max, ms) => Math.max(max, ms), Number.NEGATIVE_INFINITY)

function see(series: Map<string, Series>, channel: string, at: { number: number; ms: number; through: number }): void {
  if (at.ms === Number.NEGATIVE_INFINITY) return
  const one = series.get(channel) ?? { ahead: [] }
  series.set(channel, one)
  delete one.isSilent
  one.ahead.push([at.number, at.ms])
  if (at.number <= at.through) settle(one, at.through)
  if (one.ahead.length <= aheadMax) return
  const [[a, aMs], [b, bMs]] = one.ahead.splice(0, 2) as [[number, number], [number, number]]
  one.ahead.unshift([Math.max(a, b), Math.max(aMs, bMs)])
}

function settle(series: Series, through: number): void {
  const done = series.ahead.filter(([number]) => number <= through)
  if (done.length === 0) return
  series.ahead = series.ahead.filter(([number]) => number > through)
  series.doneMs = Math.max(series.doneMs ?? Number.NEGATIVE_INFINITY, newest(done.map(([, ms]) => ms)))
}

/** Undefined: a series has nothing that is settled. */
function streamTo(all: Series[], isClosed: boolean): number | undefined {
  const speaking = all.filter(({ isSilent }) => !isSilent)
  if (!isClosed && speaking.some(({ doneMs }) => doneMs === undefined)) return undefined
  const done = all.map(({ doneMs }) => doneMs).filter((ms) => ms !== undefined)
  if (done.length === 0) return undefined
  return isClosed || speaking.length === 0 ? newest(done) : Math.min(...speaking.map(({ doneMs }) => doneMs!))
}

/** In the order in which the streams began: one without a cut comes after those that were closed before it. */
function nodeTo(streams: Stream[]): number | undefined {
  let closedMs: number | undefined
  const open: (number | undefined)[] = []
  for (const { isClosed, toMs } of streams) {
    if (!isClosed) open.push(toMs ?? closedMs)
    else if (toMs !== undefined) closedMs = Math.max(closedMs ?? toMs, toMs)
  }
  if (open.length === 0) return closedMs
  return open.some((ms) => ms === undefined) ? undefined : Math.min(...(open as number[]))
}
