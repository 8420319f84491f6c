/**
 * The uplink: a Sparkplug B edge node that frees the outbox's entries on the cloud's receipts.
 *
 *   outbox ─► sender (window, lanes) ─► session (births, seq) ─► transport ─► broker
 *     ▲ release      ▲ credit                                        │ NCMD, STATE
 *     └──────────────┴──── receipts ◄────────────────────────────────┘
 */
import type { AbsenceReason, Channel } from '@millrace/contract'
import { type Clock, type Counter, every, type Log, type Metrics } from '@millrace/platform'
import type { Clocks } from '../clock/index.ts'
import type { Outbox } from '../outbox/index.ts'
import { Announcements } from './announcements.ts'
import { Births } from './births.ts'
import { Host } from './host.ts'
import { type MessageContext, takeMessage } from './host-messages.ts'
import { InFlight } from './in-flight.ts'
import { Link, type LinkEvents } from './link.ts'
import type { UplinkOptions } from './options.ts'
import type { Orders } from './orders.ts'
import { Sender } from './sender.ts'
import type { NodeName } from './session.ts'
import type { Transport } from './transport.ts'

export interface UplinkStatus {
  connected: boolean
  /** False while the host says by STATE that it is offline. */
  hostOnline: boolean
  stream: string
  backlog: { entries: number; bytes: number }
  inFlight: number
  sent: number
  resent: number
  receipted: number
  /** Time since a receipt came, of a birth as well; absent before the first. */
  receiptAgoMs?: number
  credit: number
  clockOffsetMs?: number
  /** The offset is right to so much either way. */
  clockUncertaintyMs?: number
  lastError?: string
}

export interface UplinkContext {
  outbox: Outbox
  transport: Transport
  node: NodeName
  /** Host application whose receipts and STATE count. */
  host: string
  devices: { device: string; channels: Channel[] }[]
  /** Names of String metrics that the node may send, beside those that every agent has. */
  nodeMetrics?: string[]
  /** Remote care; absent: there is none. */
  orders?: Orders | undefined
  options: UplinkOptions
  clock: Clock
  clocks?: Clocks | undefined
  log: Log
  metrics: Metrics
  /** Below 1, as Math.random, for jitter; the simulation passes its own. */
  random?: () => number
}

const tickMs = 50

export function createUplink(context: UplinkContext): Uplink {
  return new Uplink(context)
}

export class Uplink {
  private readonly context: UplinkContext
  private readonly births: Births
  private readonly host: Host
  private readonly inFlight: InFlight
  private readonly sender: Sender
  private readonly announcements: Announcements
  private readonly messages: MessageContext
  private readonly link: Link
  private readonly receipted: Counter
  private readonly disconnects: Counter
  private cancels: (() => void)[] = []

  constructor(context: UplinkContext) {
    const { options, metrics, random = Math.random } = context
    this.context = context
    this.births = new Births(options.receipts)
    const { clocks } = context
    this.host = new Host(options.receipts, (atMs, offsetMs, uncertaintyMs) => clocks?.learn(atMs, offsetMs, uncertaintyMs))
    this.inFlight = new InFlight(options, random)
    const { births, host, inFlight } = this
    const sending = { ...context, births, host, inFlight }
    this.sender = new Sender({ ...sending, session: () => this.link.session })
    this.announcements = new Announcements(sending)
    this.messages = {
      ...sending,
      hostName: context.host,
      rebirthRequested: () => this.requestRebirth(),
      receipted: (count) => {
        this.receipted.add({}, count)
        this.link.good()
      },
      hostAlive: () => this.sender.revive(),
    }
    this.link = new Link({ ...context, random }, this.linkEvents())
    this.receipted = metrics.counter('millrace_uplink_receipted_total', 'Entries receipted')
    this.disconnects = metrics.counter('millrace_uplink_disconnects_total', 'Connections that ended or were not made')
    this.showGauges()
  }

  /** Declares the devices to the outbox and begins to connect. */
  start(): void {
    const { devices, clock, outbox } = this.context
    for (const { device, channels } of devices) this.declareDevice(device, channels)
    this.cancels = [every(clock, tickMs, () => this.tick()), outbox.onEntries(() => this.sender.pump())]
    this.link.start()
  }

  /** Sends NDEATH and a DISCONNECT. What is in the outbox stays there. */
  async stop(): Promise<void> {
    for (const cancel of this.cancels) cancel()
    const last = this.link.stop()
    this.inFlight.cut(this.context.clock.monotonic())
    await last?.end()
  }

  /** A device that came back, or a new one with its channels. */
  deviceOnline(device: string, channels?: Channel[]): void {
    this.births.setOnline(device)
    if (channels) this.declareDevice(device, channels)
  }

  deviceOffline(device: string, reason: AbsenceReason = 'unplugged'): void {
    this.births.setOffline(device, reason)
  }

  /** Sends a report; false while that is not possible. */
  report(text: string): boolean {
    const { session } = this.link
    if (!session?.areBirthsSent) return false
    session.report(text)
    return true
  }

  requestRebirth(): void {
    this.announcements.requestRebirth(this.link.session)
  }

  /** The host's time, by its receipts; undefined before the first. */
  hostNowMs(): number | undefined {
    const { clockOffsetMs } = this.host
    return clockOffsetMs === undefined ? undefined : this.context.clock.now() + clockOffsetMs
  }

  status(): UplinkStatus {
    const { outbox } = this.context
    const { entries, bytes } = outbox.status()
    const { sent, resent } = this.sender
    const { clockOffsetMs } = this.host
    const clockUncertaintyMs = this.host.clockUncertaintyMs(this.context.clock.monotonic())
    const receiptAgoMs = Math.round(this.context.clock.monotonic() - this.host.receiptMs)
    const { lastError } = this.link
    return {
      connected: this.isOpen,
      hostOnline: !this.host.isOffline,
      stream: outbox.stream,
      backlog: { entries, bytes },
      inFlight: this.inFlight.load.all.count,
      sent: sent.value({ lane: 'live' }) + sent.value({ lane: 'backlog' }),
      resent: resent.value(),
      receipted: this.receipted.value(),
      credit: this.host.creditBytes,
      ...(Number.isFinite(receiptAgoMs) ? { receiptAgoMs } : {}),
      ...(clockOffsetMs === undefined ? {} : { clockOffsetMs }),
      ...(clockUncertaintyMs === undefined ? {} : { clockUncertaintyMs }),
      ...(lastError === undefined ? {} : { lastError }),
    }
  }

  private get isOpen(): boolean {
    return this.link.session?.isOpen ?? false
  }

  private showGauges(): void {
    const { metrics } = this.context
    metrics.gauge('millrace_uplink_in_flight', 'Entries sent and not receipted', () => this.inFlight.load.all.count)
    metrics.gauge(
      'millrace_clock_offset_ms',
      "Processor's clock less this one's, from the exchange that says it best; NaN before the first",
      () => this.host.clockOffsetMs ?? Number.NaN,
    )
    metrics.gauge(
      'millrace_clock_uncertainty_ms',
      'The offset is right to so many ms either way; it grows from exchange to exchange by what clocks drift; NaN before the first',
      () => this.host.clockUncertaintyMs(this.context.clock.monotonic()) ?? Number.NaN,
    )
    metrics.gauge('millrace_uplink_connected', '1 while a Sparkplug session is open', () => (this.isOpen ? 1 : 0))
  }

  private declareDevice(device: string, channels: Channel[]): void {
    const { outbox, log } = this.context
    this.announcements.undeclared++
    outbox.declare(device, channels).then(
      (declaration) => {
        this.announcements.undeclared--
        this.births.declare(declaration)
        if (!this.link.isStopped) this.tick()
      },
      (error) => {
        this.announcements.undeclared--
        log.error('cannot declare a device', { device, error })
      },
    )
  }

  private linkEvents(): LinkEvents {
    const { clock } = this.context
    return {
      ready: (session) => {
        session.isOpen = true
        this.tick()
      },
      message: (topic, payload) => {
        takeMessage(this.messages, topic, payload)
        this.tick()
      },
      // What is left of the births goes first.
      writable: () => this.tick(),
      ended: () => {
        this.inFlight.cut(clock.monotonic())
        this.disconnects.add()
      },
    }
  }

  private tick(): void {
    const nowMs = this.context.clock.monotonic()
    this.inFlight.expire(nowMs)
    const { session } = this.link
    if (!session?.isOpen) return
    this.announcements.send(session, nowMs)
    this.sender.pump()
  }
}
