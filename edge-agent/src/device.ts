/** One device on the gateway: its bytes through its decoder into its intake. */
import type { Channel } from '@millrace/contract'
import { type Clock, type Counter, every, type Log, type Metrics, MillraceError } from '@millrace/platform'
import type { Bus, Hindrance } from './bus/bus.ts'
import { type DeviceConfig, resolveDevice } from './config.ts'
import type { Decoder, DecoderPlugin, Poll } from './decoders/decoder.ts'
import { Unreadable } from './decoders/unreadable.ts'
import { withSilence } from './filters/index.ts'
import { createIntake, type Drained, type Intake } from './intake.ts'
import type { Stretches } from './stretches.ts'

/** Why nothing is known of a device. */
export type LineGap = 'agent-down' | 'unplugged' | 'unavailable' | 'stalled' | Hindrance

/** What a person is told of a device; `detail` has the words. */
export type DeviceState = 'opening' | 'open' | 'silent' | 'unreadable' | 'refused' | LineGap

export interface DeviceStatus {
  isOpen: boolean
  lastBytesMs: number
  /** Absent of a device that is not on a bus. */
  state?: DeviceState
  detail: string
  /** Why the line is closed. */
  reason?: LineGap
}

/** Follows what a line says, as a capture has it; see decoders/capture.ts. */
export interface Tap {
  bytes(chunk: Uint8Array, atMs: number): void
  sent(bytes: Uint8Array, atMs: number): void
  opened(atMs: number): void
  lost(atMs: number, reason: string): void
}

export interface Device {
  id: string
  channels: Channel[]
  start(): void
  /** What was measured since the last call; several where the clock was set back in between. */
  drain(): Drained[]
  /** Nothing is known of the device between `sinceMs` and its next reading. */
  gap(sinceMs: number, reason: LineGap): void
  status(): DeviceStatus
  /** One at a time; undefined ends it. Absent of a device that is not on a bus. */
  tap?(tap: Tap | undefined): void
  stop(): Promise<void>
}

export interface DeviceContext {
  clock: Clock
  log: Log
  metrics: Metrics
  /** Where readings of earlier runs have their times. */
  given: Stretches
}

type Link = ReturnType<DecoderPlugin['link']>

const linkText = ({ baudRate, dataBits, parity, stopBits }: Link) =>
  `${baudRate} ${dataBits}${parity[0]!.toUpperCase()}${stopBits}`

const watchMs = 250

export function createDevice(config: DeviceConfig, context: DeviceContext): Device {
  return new BusDevice(config, context)
}

class BusDevice implements Device {
  readonly id: string
  readonly channels: Channel[]
  readonly #config: DeviceConfig
  readonly #context: DeviceContext
  readonly #decoder: Decoder
  readonly #bus: Bus
  readonly #intake: Intake
  readonly #setBacks: Counter
  /** Settings of the line, for people. */
  readonly #link: string
  readonly #status: DeviceStatus = { isOpen: false, lastBytesMs: 0, state: 'opening', detail: 'not opened yet' }
  readonly #unreadable = new Unreadable()
  #tap: Tap | undefined
  #stopWatch = () => {}
  #stopKeepAlive = () => {}
  #stopPoll = () => {}
  #isLost = false
  #isReported = false

  constructor(config: DeviceConfig, context: DeviceContext) {
    const { clock, log, metrics, given } = context
    const { decoder, decoderConfig, bus, busConfig } = resolveDevice(config)
    this.id = config.id
    this.#config = config
    this.#context = context
    this.channels = withSilence(decoder.channels(decoderConfig), config.filters)
    this.#decoder = decoder.create(decoderConfig)
    this.#link = bus.hasLink ? linkText(busConfig as Link) : 'the bus has none'
    this.#bus = bus.create(busConfig, { clock, log })
    this.#setBacks = metrics.counter('millrace_device_clock_set_back_total', 'Times that the clock was set back under a device')
    const onBack = (byMs: number) => this.#clockSetBack(byMs)
    const onRefuse = (why: string) => this.#refused(why)
    this.#intake = createIntake({ device: config.id, channels: this.channels, filters: config.filters, given, onBack, onRefuse })
  }

  start(): void {
    const { clock } = this.#context
    this.#stopWatch = every(clock, watchMs, () => this.#watch(clock.monotonic()))
    this.#bus.start({
      opened: (atMs) => this.#opened(atMs),
      bytes: (chunk, atMs) => this.#take(chunk, atMs),
      lost: (sinceMs, reason, detail, why) => {
        const gap = why ?? (reason === 'silent' ? 'unplugged' : reason)
        this.#context.log.warn('device lost', { device: this.id, reason: why ?? reason, detail })
        this.#tap?.lost(clock.now(), reason)
        this.#lost(sinceMs, gap, detail)
        this.#status.state = why ?? reason
      },
    })
  }

  #opened(atMs: number): void {
    const { clock, log } = this.#context
    this.#tap?.opened(atMs)
    log.info('device open', { device: this.id, bus: this.#config.bus.kind })
    // A silent line is opened again, and is still silent until bytes come.
    if (this.#status.state === 'silent') this.#status.isOpen = true
    else this.#setState('open', { isOpen: true, detail: 'open' })
    delete this.#status.reason
    this.#decoder.reset()
    this.#unreadable.reset()
    // A loss that was told already has begun its gap; this one is of bytes that the kernel held from before.
    if (!this.#isLost) this.gap(this.#status.lastBytesMs || atMs, 'unplugged')
    this.#isLost = false
    const { onOpen, keepAlive } = this.#decoder.commands ?? {}
    if (onOpen) this.#write(onOpen)
    this.#stopAsking()
    if (keepAlive) this.#stopKeepAlive = every(clock, keepAlive.intervalMs, () => this.#write(keepAlive.bytes))
    const { poll } = this.#decoder
    if (poll) this.#stopPoll = every(clock, poll.everyMs, () => this.#ask(poll))
  }

  #ask(poll: Poll): void {
    const request = poll.next(this.#context.clock.now(), this.#intake)
    if (request) this.#write(request)
  }

  #write(bytes: Uint8Array): void {
    this.#bus.write(bytes)
    this.#tap?.sent(bytes, this.#context.clock.now())
  }

  #stopAsking(): void {
    this.#stopKeepAlive()
    this.#stopPoll()
  }

  #take(chunk: Uint8Array, atMs: number): void {
    this.#status.lastBytesMs = atMs
    this.#tap?.bytes(chunk, atMs)
    if (this.#status.state === 'silent') this.#setState('open', { isOpen: true, detail: 'open' })
    this.#decoder.decode(chunk, atMs, this.#intake)
    this.#unreadable.look(chunk, this.#context.clock.monotonic(), this.#intake.frames)
  }

  #lost(sinceMs: number, reason: LineGap, detail: string): void {
    Object.assign(this.#status, { isOpen: false, detail, reason })
    this.#stopAsking()
    this.#decoder.reset()
    this.#isLost = true
    this.gap(sinceMs, reason)
  }

  #refused(why: string): void {
    this.#report('refused', new MillraceError('EDGE_DEVICE_REFUSED', { device: this.id, detail: why }))
  }

  /** What comes and is not read. */
  #watch(nowMs: number): void {
    const detail = this.#unreadable.due(nowMs)
    if (this.#isReported && !this.#unreadable.isTold) this.#endReport()
    if (detail === undefined) return
    const { kind } = this.#config.decoder
    const error = new MillraceError('EDGE_DEVICE_UNREADABLE', { device: this.id, decoder: kind, detail, link: this.#link })
    this.#report('unreadable', error)
  }

  #report(state: DeviceState, { code, message }: MillraceError): void {
    this.#context.log.error(message, { code, device: this.id })
    this.#setState(state, { isOpen: this.#status.isOpen, detail: message })
    this.#isReported = true
  }

  #endReport(): void {
    this.#isReported = false
    if (!this.#status.isOpen) return
    this.#setState('open', { isOpen: true, detail: 'open' })
    this.#context.log.info('device is read again', { device: this.id })
  }

  #setState(state: DeviceState, more: { isOpen: boolean; detail: string }): void {
    Object.assign(this.#status, { state, ...more })
  }

  #clockSetBack(byMs: number): void {
    this.#setBacks.add({ device: this.id })
    const { code, message } = new MillraceError('AGENT_CLOCK_BACK', { device: this.id, seconds: Math.round(byMs / 1000) })
    this.#context.log.warn(message, { code, device: this.id, byMs })
  }

  drain(): Drained[] {
    const all: Drained[] = []
    for (let drained = this.#intake.drain(); drained; drained = this.#intake.drain()) all.push(drained)
    return all
  }

  gap(sinceMs: number, reason: LineGap): void {
    this.#intake.gap(sinceMs, reason)
  }

  status() {
    return { ...this.#status }
  }

  tap(tap: Tap | undefined): void {
    this.#tap = tap
  }

  async stop(): Promise<void> {
    this.#stopAsking()
    this.#stopWatch()
    await this.#bus.stop()
    this.#intake.settle()
  }
}
