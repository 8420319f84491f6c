/** One device on the gateway: its bytes through its decoder into its intake. */
import type { Channel } from '@millrace/contract'
import { type Clock, type Counter, every, type Log, type Metrics, MillraceError } from '@millrace/platform'
import type { Bus, BusListener } from './bus/bus.ts'
import { type DeviceConfig, resolveDevice } from './config.ts'
import type { Decoder } from './decoders/decoder.ts'
import { createIntake, type Drained, type Intake } from './intake.ts'
import type { Stretches } from './stretches.ts'

export interface Device {
  id: string
  channels: Channel[]
  start(): void
  /** What was measured since the last call; several where the clock was set back in between. */
  drain(): Drained[]
  /** Nothing is known of the device between `sinceMs` and its next reading. */
  gap(sinceMs: number, reason: 'agent-down' | 'unplugged' | 'stalled'): void
  status(): { isOpen: boolean; lastBytesMs: number; detail: string }
  stop(): Promise<void>
}

export interface DeviceContext {
  clock: Clock
  log: Log
  metrics: Metrics
  /** Where readings of earlier runs have their times. */
  given: Stretches
}

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
  readonly #status = { isOpen: false, lastBytesMs: 0, detail: 'not opened yet' }
  #stopKeepAlive = () => {}
  #isLost = false

  constructor(config: DeviceConfig, context: DeviceContext) {
    const { clock, log, metrics, given } = context
    const { decoder, decoderConfig, bus, busConfig } = resolveDevice(config)
    this.id = config.id
    this.#config = config
    this.#context = context
    this.channels = decoder.channels(decoderConfig)
    this.#decoder = decoder.create(decoderConfig)
    this.#bus = bus.create(busConfig, { clock, log })
    this.#setBacks = metrics.counter('millrace_device_clock_set_back_total', 'Times that the clock was set back under a device')
    const onBack = (byMs: number) => this.#clockSetBack(byMs)
    this.#intake = createIntake({ device: config.id, channels: this.channels, filters: config.filters, given, onBack })
  }

  start(): void {
    this.#bus.start({
      opened: (atMs) => this.#opened(atMs),
      bytes: (chunk, atMs) => this.#take(chunk, atMs),
      lost: (sinceMs, reason, detail) => this.#lost(sinceMs, reason, detail),
    })
  }

  #opened(atMs: number): void {
    const { clock, log } = this.#context
    log.info('device open', { device: this.id, bus: this.#config.bus.kind })
    Object.assign(this.#status, { isOpen: true, detail: 'open' })
    this.#decoder.reset()
    // A loss that was told already has begun its gap; this one is of bytes that the kernel held from before.
    if (!this.#isLost) this.gap(this.#status.lastBytesMs || atMs, 'unplugged')
    this.#isLost = false
    const { onOpen, keepAlive } = this.#decoder.commands ?? {}
    if (onOpen) this.#bus.write(onOpen)
    this.#stopKeepAlive()
    if (keepAlive) this.#stopKeepAlive = every(clock, keepAlive.intervalMs, () => this.#bus.write(keepAlive.bytes))
  }

  #take(chunk: Uint8Array, atMs: number): void {
    this.#status.lastBytesMs = atMs
    this.#decoder.decode(chunk, atMs, this.#intake)
  }

  #lost(sinceMs: number, reason: Parameters<BusListener['lost']>[1], detail: string): void {
    this.#context.log.warn('device lost', { device: this.id, reason, detail })
    Object.assign(this.#status, { isOpen: false, detail })
    this.#stopKeepAlive()
    this.#decoder.reset()
    this.#isLost = true
    this.gap(sinceMs, reason === 'stalled' ? 'stalled' : 'unplugged')
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

  gap(sinceMs: number, reason: 'agent-down' | 'unplugged' | 'stalled'): void {
    this.#intake.gap(sinceMs, reason)
  }

  status() {
    return { ...this.#status }
  }

  async stop(): Promise<void> {
    this.#stopKeepAlive()
    await this.#bus.stop()
    this.#intake.settle()
  }
}
