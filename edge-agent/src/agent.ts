/**
 * The edge agent on one screen:
 *
 *   device ─ bus ─► decoder ─► intake (filters, columns) ─ every 100 ms ─► outbox ─ uplink ─► broker
 *                                                                            ▲ receipts ┘
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock, every, type Log, type Metrics, type Part, stopInOrder } from '@millrace/platform'
import { type AgentConfig, checkDevices } from './config.ts'
import { createDevice } from './device.ts'
import { observeStorage } from './observe.ts'
import { openOutbox, sqliteStorage } from './outbox/index.ts'
import { connectMqtt, createUplink } from './uplink/index.ts'

export interface Agent {
  status(): AgentStatus
  stop(): Promise<void>
}

export interface AgentStatus {
  node: string
  devices: Record<string, { isOpen: boolean; lastBytesMs: number; detail: string }>
  outbox: unknown
  uplink: unknown
}

export async function startAgent(config: AgentConfig, around: { clock: Clock; log: Log; metrics: Metrics }): Promise<Agent> {
  const { clock, log, metrics } = around
  checkDevices(config)
  mkdirSync(config.dataDir, { recursive: true })
  const file = sqliteStorage(join(config.dataDir, 'outbox.sqlite'))
  const storage = config.observe ? observeStorage(file, config.observe.fd, clock) : file
  const outbox = await openOutbox(storage, config.outbox, around)
  const devices = config.devices.map((device) => createDevice(device, { ...around, given: outbox.given(device.id) }))
  for (const device of devices) {
    const sinceMs = outbox.lastCommittedMs(device.id)
    if (sinceMs !== undefined) device.gap(sinceMs, 'agent-down')
  }
  const uplink = createUplink({
    ...around,
    outbox,
    transport: connectMqtt(config.uplink, around),
    node: { group: config.group, node: config.node },
    host: config.host,
    devices: devices.map(({ id, channels }) => ({ device: id, channels })),
    options: config.uplink,
  })
  metrics.gauge('millrace_device_open', '1 while the line of a device is open', () =>
    devices.map((device) => ({ labels: { device: device.id }, value: device.status().isOpen ? 1 : 0 })),
  )
  uplink.start()
  for (const device of devices) device.start()

  let committing: Promise<unknown> = Promise.resolve()
  const commit = () => {
    const drained = devices.flatMap((device) => device.drain())
    committing = outbox.commit(drained).catch((error) => log.error('commit failed', { error }))
  }
  const stopTimer = every(clock, config.commitEveryMs, commit)
  const commitLast = async () => {
    await committing
    commit()
    await committing
  }
  const parts: Part[] = [
    { name: 'devices', stop: () => Promise.all(devices.map((device) => device.stop())) },
    { name: 'last commit', stop: commitLast },
    { name: 'uplink', stop: () => uplink.stop() },
    { name: 'outbox', stop: () => outbox.close() },
  ]

  return {
    status: () => ({
      node: `${config.group}/${config.node}`,
      devices: Object.fromEntries(devices.map((device) => [device.id, device.status()])),
      outbox: outbox.status(),
      uplink: uplink.status(),
    }),
    async stop() {
      stopTimer()
      await stopInOrder(parts, around)
    },
  }
}
