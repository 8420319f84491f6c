/** `/api/live`: what happens, to everybody who watches. Nothing is gathered while nobody does. */
import type { AlarmRecord, TimelineRecord } from '@millrace/contract'
import { type Clock, type Counter, every, type Metrics } from '@millrace/platform'
import type { FastifyReply } from 'fastify'
import type { Scope } from '../people/index.ts'
import type { WebConfig } from './config.ts'
import type { EachAlone } from './each-alone.ts'
import type { FleetView } from './fleet-view.ts'
import type { LeftOut } from './left-out.ts'
import { createLiveValues } from './live-values.ts'
import { narrowLedger, narrowStatus, withoutRows } from './narrow.ts'
import { createViewer, type Frames, type Subscription, type Viewer } from './viewer.ts'
import type { HelloEvent, LedgerView, LeftEvent, StatusEvent, ValuesEvent } from './wire.ts'

export interface Live {
  /** After the fleet view saw the records. @param changed devices that births and deaths changed */
  onTimeline(records: TimelineRecord[], changed: Set<string>): void
  /** @param left ids of alarms that lost their place */
  onAlarms(changes: AlarmRecord[], left: string[]): void
  attach(reply: FastifyReply, subscription: Subscription): void
  viewers(): number
  close(): void
}

export interface LiveSources {
  config: WebConfig
  clock: Clock
  metrics: Metrics
  fleet: FleetView
  leftOut: LeftOut
  eachAlone: EachAlone
  hello(scope: Scope): HelloEvent
  status(): StatusEvent
  ledger(): Promise<LedgerView | undefined>
}

const samplesPerFlushMax = 100_000
const devicesPerLedgerSecond = 200

export function createLive(sources: LiveSources): Live {
  return new LiveEvents(sources)
}

class LiveEvents implements Live {
  readonly #sources: LiveSources
  readonly #viewers = new Set<Viewer>()
  readonly #values: ReturnType<typeof createLiveValues>
  readonly #skipped: Counter
  readonly #stopFlush: () => void
  readonly #stopSecond: () => void
  #isRefreshing = false
  /** Until the ledger is sent next. */
  #ledgerSeconds = 0

  constructor(sources: LiveSources) {
    const { config, clock, metrics, fleet } = sources
    this.#sources = sources
    this.#values = createLiveValues(fleet, samplesPerFlushMax)
    this.#skipped = metrics.counter('millrace_web_skipped_total', 'Times a slow live connection was not sent something')
    metrics.gauge('millrace_web_viewers', 'Live connections', () => this.#viewers.size)
    this.#stopFlush = every(clock, config.flushMs, () => this.#flush())
    this.#stopSecond = every(clock, 1000, () => this.#sendSecond())
  }

  onTimeline(records: TimelineRecord[], changed: Set<string>): void {
    const { fleet, eachAlone } = this.#sources
    const left = fleet.takeLeft()
    for (const name of fleet.takeAdded()) changed.add(name)
    this.#sources.leftOut.add('devices', left.length)
    if (this.#viewers.size === 0) return
    if (left.length > 0) this.#sendLeft({ devices: left, alarms: [] })
    eachAlone(records, (record) => this.#see(record, changed))
    if (changed.size === 0) return
    // Values of before the change go first: a declaration says how those after it are scaled.
    this.#send(this.#values.takeValues().map(valuesFrame))
    this.#sendState(changed)
  }

  #see(record: TimelineRecord, changed: Set<string>): void {
    if (record.k === 'readings') this.#values.add(record)
    else if (record.k === 'gap') {
      const { device, channel, reason, fromMs, toMs, lost } = record
      this.#send([{ about: device, text: event('gap', { device, channel, reason, fromMs, toMs, lost }) }])
      changed.add(device)
    } else if (record.k === 'declaration' || record.k === 'last-known') changed.add(record.device)
  }

  onAlarms(changes: AlarmRecord[], left: string[]): void {
    this.#sources.leftOut.add('alarms', left.length)
    this.#send(changes.map((alarm) => ({ about: alarm.device, text: event('alarm', alarm) })))
    if (left.length > 0) this.#sendLeft({ devices: [], alarms: left })
  }

  /** Of what has left nobody knows where it was: who has a scope is greeted again. */
  #sendLeft(left: LeftEvent): void {
    this.#send([{ text: event('left', left), within: (scope) => event('hello', this.#sources.hello(scope)) }])
  }

  #flush(): void {
    if (this.#viewers.size > 0) this.#send(this.#values.takeValues().map(valuesFrame))
  }

  #sendSecond(): void {
    const { fleet, status } = this.#sources
    const changed = fleet.changed()
    if (this.#viewers.size === 0) return
    this.#sendState(changed)
    this.#send(this.#values.takeLate().map((late) => ({ device: late.device, text: event('late', late) })))
    const now = status()
    this.#send([{ text: event('status', now), within: (scope) => event('status', narrowStatus(now, scope)) }])
    for (const viewer of this.#viewers) viewer.tend()
    if (--this.#ledgerSeconds <= 0) void this.#sendLedger()
  }

  async #sendLedger(): Promise<void> {
    if (this.#isRefreshing) return
    this.#isRefreshing = true
    const view = await this.#sources.ledger()
    const within = (scope: Scope) => event('ledger', withoutRows(narrowLedger(view!, scope)))
    if (view) this.#send([{ text: event('ledger', withoutRows(view)), within }])
    // Many devices make a long event: it goes out less often.
    this.#ledgerSeconds = Math.ceil((view?.devices.length ?? 0) / devicesPerLedgerSecond)
    this.#isRefreshing = false
  }

  #sendState(devices: Iterable<string>): void {
    const views = [...devices].map((name) => this.#sources.fleet.device(name)).filter((view) => view !== undefined)
    this.#send(views.map((view) => ({ about: view.device, text: event('state', view) })))
  }

  #send(frames: Frames[]): void {
    if (frames.length > 0) for (const viewer of this.#viewers) viewer.send(frames)
  }

  attach(reply: FastifyReply, subscription: Subscription): void {
    reply.hijack()
    const { raw } = reply
    const { config, clock, hello } = this.#sources
    raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    const viewer = createViewer(raw, {
      subscription,
      limits: config,
      monotonic: () => clock.monotonic(),
      hello: () => event('hello', hello(subscription.scope)),
      skipped: (what) => this.#skipped.add({ what }),
    })
    this.#viewers.add(viewer)
    raw.on('close', () => this.#viewers.delete(viewer))
    raw.on('error', () => this.#viewers.delete(viewer))
    void this.#sendLedger()
  }

  viewers(): number {
    return this.#viewers.size
  }

  close(): void {
    this.#stopFlush()
    this.#stopSecond()
    for (const viewer of this.#viewers) viewer.end()
  }
}

function valuesFrame(values: ValuesEvent): Frames {
  const text = event('values', values)
  if (Object.keys(values.waves).length === 0) return { device: values.device, text }
  return { device: values.device, text, withoutWaves: event('values', { ...values, waves: {} }) }
}

/** JSON has no line breaks of its own, so one `data:` line holds it. */
function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}
