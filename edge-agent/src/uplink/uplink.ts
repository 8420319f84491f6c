/**
 * The uplink: a Sparkplug B edge node that frees the outbox's entries on the cloud's receipts.
 *
 *   outbox ─► sender (window, lanes) ─► session (births, seq) ─► transport ─► broker
 *     ▲ release      ▲ credit                                        │ NCMD, STATE
 *     └──────────────┴──── receipts ◄────────────────────────────────┘
 *
 * It connects again by itself for ever, under a new `bdSeq`, after waits that double and are jittered.
 */
import { type Channel, nodeMetrics, parseReceipt } from '@millrace/contract'
import { type Clock, every, type Log, type Metrics } from '@millrace/contract/service'
import { decodePayload, decodeState, parseTopic } from '@millrace/contract/sparkplug'
import type { Outbox } from '../outbox/index.ts'
import { createBirths } from './births.ts'
import type { Flight } from './flights.ts'
import { createHost } from './host.ts'
import type { UplinkOptions } from './options.ts'
import { createSender } from './sender.ts'
import { createSession, type NodeName, nodeDeath, type Session } from './session.ts'
import type { Transport } from './transport.ts'

export interface Uplink {
  /** Declares the devices to the outbox and begins to connect. */
  start(): void
  /** Sends NDEATH and a DISCONNECT. What is in the outbox stays there. */
  stop(): Promise<void>
  /** A device that came back, or a new one with its channels. */
  deviceOnline(device: string, channels?: Channel[]): void
  deviceOffline(device: string): void
  status(): UplinkStatus
}

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
  credit: number
  clockOffsetMs?: number
  lastError?: string
}

export interface UplinkAround {
  outbox: Outbox
  transport: Transport
  node: NodeName
  /** Host application whose receipts and STATE count. */
  host: string
  devices: { device: string; channels: Channel[] }[]
  options: UplinkOptions
  clock: Clock
  log: Log
  metrics: Metrics
  /** Below 1, as Math.random, for jitter; the simulation passes its own. */
  random?: () => number
}

const tickMs = 50
const gapEveryMs = 1000
const deathEveryMs = 1000
const rebirthEveryMs = 1000

export function createUplink(around: UplinkAround): Uplink {
  const { outbox, transport, node, options, clock, log, metrics, random = Math.random } = around
  const births = createBirths(options.receipts)
  const host = createHost()
  const sender = createSender({ ...around, births, host, random, session: () => session })
  const { flights } = sender
  const receipted = metrics.counter('millrace_uplink_receipted_total', 'Entries receipted')
  const disconnects = metrics.counter('millrace_uplink_disconnects_total', 'Connections that ended or were not made')
  let session: Session | undefined
  let connecting = false
  let stopped = true
  let failures = 0
  let lastError: string | undefined
  let gapMs = Number.NEGATIVE_INFINITY
  let deathMs = Number.NEGATIVE_INFINITY
  let bornMs = Number.NEGATIVE_INFINITY
  let rebirth = false
  let cancel: (() => void)[] = []
  let cancelReconnect = () => {}
  metrics.gauge('millrace_uplink_in_flight', 'Entries sent and not receipted', () => flights.load.all.count)
  metrics.gauge(
    'millrace_clock_offset_ms',
    "Processor's clock less this one's, from the best exchange of ten minutes; NaN before the first",
    () => host.clockOffsetMs ?? Number.NaN,
  )
  metrics.gauge('millrace_uplink_connected', '1 while a Sparkplug session is open', () => (session?.isBorn ? 1 : 0))

  return {
    start() {
      stopped = false
      for (const { device, channels } of around.devices) declare(device, channels)
      cancel = [every(clock, tickMs, tick), outbox.onEntries(() => sender.pump())]
      void connect()
    },
    async stop() {
      stopped = true
      cancelReconnect()
      for (const call of cancel) call()
      const last = session
      session = undefined
      flights.cut(clock.monotonic())
      await last?.end()
    },
    deviceOnline(device, channels) {
      births.setOnline(device, true)
      if (channels) declare(device, channels)
    },
    deviceOffline: (device) => births.setOnline(device, false),
    status: () => {
      const { entries, bytes } = outbox.status()
      const values = metrics.values()
      return {
        connected: session?.isBorn ?? false,
        hostOnline: !host.isOffline,
        stream: outbox.stream,
        backlog: { entries, bytes },
        inFlight: flights.load.all.count,
        sent:
          (values['millrace_uplink_sent_total{lane="live"}'] ?? 0) + (values['millrace_uplink_sent_total{lane="backlog"}'] ?? 0),
        resent: values.millrace_uplink_resent_total ?? 0,
        receipted: receipted.value(),
        credit: host.creditBytes,
        ...(host.clockOffsetMs === undefined ? {} : { clockOffsetMs: host.clockOffsetMs }),
        ...(lastError === undefined ? {} : { lastError }),
      }
    },
  }

  function declare(device: string, channels: Channel[]): void {
    outbox.declare(device, channels).then(
      (declaration) => {
        births.declare(declaration)
        if (!stopped) tick()
      },
      (error) => log.error('cannot declare a device', { device, error }),
    )
  }

  // ---- connection ----------------------------------------------------------------------------------------------------

  async function connect(): Promise<void> {
    if (stopped || connecting || session) return
    connecting = true
    const bdSeq = await outbox.nextBdSeq()
    connecting = false
    if (stopped) return
    try {
      open(bdSeq)
    } catch (error) {
      ended(undefined, `${(error as Error).message}`)
    }
  }

  function open(bdSeq: number): void {
    const connection = transport.connect(nodeDeath(node, bdSeq, clock), {
      open: () => void begin(own),
      message: (topic, payload) => message(own, topic, payload),
      writable() {
        own.writable()
        sender.pump()
      },
      closed: (reason) => ended(own, reason),
    })
    const own = createSession(connection, node, bdSeq, clock)
    session = own
  }

  async function begin(own: Session): Promise<void> {
    // A broker that never answers would keep a connection that is good for nothing.
    const giveUp = clock.after(options.connectMsMax, () => void own.end())
    try {
      await own.subscribe(around.host)
    } catch (error) {
      lastError = `${(error as Error).message}`
      return own.end()
    } finally {
      giveUp()
    }
    if (own !== session) return
    log.info('connected to the broker', { url: options.url })
    birth(own)
  }

  function birth(own: Session): void {
    rebirth = false
    bornMs = clock.monotonic()
    births.newSession()
    own.birth()
    tick()
  }

  function ended(own: Session | undefined, reason: string): void {
    if (own && own !== session) return
    session = undefined
    flights.cut(clock.monotonic())
    disconnects.add()
    lastError = reason
    if (stopped) return
    if (failures === 0) log.warn('no connection to the broker', { url: options.url, reason })
    const waitMs =
      Math.min(options.reconnectMsMax, options.reconnectMsMin * 2 ** Math.min(20, failures++)) * (0.5 + 0.5 * random())
    cancelReconnect = clock.after(waitMs, () => void connect())
  }

  // ---- timer ---------------------------------------------------------------------------------------------------------

  function tick(): void {
    const nowMs = clock.monotonic()
    flights.expire(nowMs)
    if (!session?.isBorn) return
    if (rebirth && nowMs - bornMs >= rebirthEveryMs) return birth(session)
    sendBirths(session, nowMs)
    if (!host.isOffline && outbox.hasGap() && nowMs - gapMs >= gapEveryMs && isHeard()) {
      gapMs = nowMs
      void outbox.issueGap()
    }
    sender.pump()
  }

  /** While nobody receipts, what is evicted joins the gap that waits: an outage makes one, or two. */
  function isHeard(): boolean {
    return !options.receipts || host.receiptMs >= gapMs
  }

  function sendBirths(own: Session, nowMs: number): void {
    if (host.isOffline) return
    for (const declaration of births.due(nowMs)) {
      if (!own.isWritable) return
      own.deviceBirth(declaration)
      births.born(declaration, nowMs)
    }
    if (nowMs - deathMs < deathEveryMs) return
    deathMs = nowMs
    for (const device of births.deaths()) {
      if (hasDataOf(device)) continue
      own.deviceDeath(device)
      births.died(device)
    }
  }

  /** The death of a device waits until what it measured before is on its way. */
  function hasDataOf(device: string): boolean {
    for (const { entry } of flights.all()) if (entry.device === device) return true
    const isOf = (entry: { device: string }) => entry.device === device
    return outbox.next('live', 1, isOf).length > 0 || outbox.next('backlog', 1, isOf).length > 0
  }

  // ---- messages ------------------------------------------------------------------------------------------------------

  function message(own: Session, text: string, payload: Uint8Array): void {
    if (own !== session) return
    const topic = parseTopic(text)
    if (topic?.type === 'STATE' && topic.host === around.host) state(payload)
    if (topic?.type === 'NCMD' && topic.group === node.group && topic.node === node.node) command(payload)
  }

  function state(payload: Uint8Array): void {
    const said = decodeState(payload)
    if (!said || !host.state(said)) return
    log.info(said.online ? 'the host is online' : 'the host is offline', { host: around.host })
    if (!said.online) return
    flights.hasten(clock.monotonic())
    sender.revive()
    tick()
  }

  function command(payload: Uint8Array): void {
    try {
      for (const { name, value } of decodePayload(payload).metrics) {
        if (name === nodeMetrics.rebirth && value === true) rebirth = true
        if (name === nodeMetrics.receipt && typeof value === 'string') receipt(value)
      }
    } catch (error) {
      log.warn('a command that cannot be read', { error })
    }
    tick()
  }

  function receipt(text: string): void {
    const said = parseReceipt(text)
    if (!said || said.host !== around.host) return
    clock.heard?.(said.sentMs)
    const nowMs = clock.monotonic()
    const done = flights.receipted(said.got, nowMs)
    const newest = done.reduce<Flight | undefined>(
      (high, flight) => (high && high.order > flight.order ? high : flight),
      undefined,
    )
    if (host.receipt(said, newest, nowMs, clock.now())) births.forgetReceipts()
    if (said.credit === 0) flights.hold(nowMs)
    for (const id of said.births) births.receipted(id)
    outbox.release(done.map(({ entry }) => entry))
    receipted.add({}, done.length)
    sender.revive()
    failures = 0
    lastError = undefined
  }
}
