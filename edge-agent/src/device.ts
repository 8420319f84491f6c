/** One device on the gateway: its bytes through its decoder into its intake. */
import type { Channel } from '@millrace/contract'
import { type Clock, every, type Log, type Metrics, MillraceError } from '@millrace/platform'
import { type DeviceConfig, resolveDevice } from './config.ts'
import { createIntake, type Drained } from './intake.ts'
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

export function createDevice(config: DeviceConfig, { clock, log, metrics, given }: DeviceContext): Device {
  const { decoder: plugin, decoderConfig, bus: busPlugin, busConfig } = resolveDevice(config)
  const channels = plugin.channels(decoderConfig)
  const decoder = plugin.create(decoderConfig)
  const bus = busPlugin.create(busConfig, { clock, log })
  const setBacks = metrics.counter('millrace_device_clock_set_back_total', 'Times that the clock was set back under a device')
  const intake = createIntake({ device: config.id, channels, filters: config.filters, given, onBack })
  const status = { isOpen: false, lastBytesMs: 0, detail: 'not opened yet' }
  let stopKeepAlive = () => {}
  let isLost = false

  function onBack(byMs: number): void {
    setBacks.add({ device: config.id })
    const { code, message } = new MillraceError('AGENT_CLOCK_BACK', { device: config.id, seconds: Math.round(byMs / 1000) })
    log.warn(message, { code, device: config.id, byMs })
  }

  return {
    id: config.id,
    channels,
    start: () =>
      bus.start({
        opened(atMs) {
          log.info('device open', { device: config.id, bus: config.bus.kind })
          Object.assign(status, { isOpen: true, detail: 'open' })
          decoder.reset()
          // A loss that was told already has begun its gap; this one is of bytes that the kernel held from before.
          if (!isLost) intake.gap(status.lastBytesMs || atMs, 'unplugged')
          isLost = false
          const { onOpen, keepAlive } = decoder.commands ?? {}
          if (onOpen) bus.write(onOpen)
          stopKeepAlive()
          if (keepAlive) stopKeepAlive = every(clock, keepAlive.intervalMs, () => bus.write(keepAlive.bytes))
        },
        bytes(chunk, atMs) {
          status.lastBytesMs = atMs
          decoder.decode(chunk, atMs, intake)
        },
        lost(sinceMs, reason, detail) {
          log.warn('device lost', { device: config.id, reason, detail })
          Object.assign(status, { isOpen: false, detail })
          stopKeepAlive()
          decoder.reset()
          isLost = true
          intake.gap(sinceMs, reason === 'stalled' ? 'stalled' : 'unplugged')
        },
      }),
    drain() {
      const all: Drained[] = []
      for (let drained = intake.drain(); drained; drained = intake.drain()) all.push(drained)
      return all
    },
    gap: (sinceMs, reason) => intake.gap(sinceMs, reason),
    status: () => ({ ...status }),
    async stop() {
      stopKeepAlive()
      await bus.stop()
      intake.settle()
    },
  }
}
