/**
 * The gateway itself as a device: its readings go the way of all readings, so that alarms, charts and the ledger work on them.
 *
 * | channel | unit | |
 * |---|---|---|
 * | `cpu`, `agent_cpu` | % | of all cores: the machine, and the agent alone |
 * | `memory_free` | % | that processes could still take |
 * | `agent_memory` | MBy | resident |
 * | `disk_free` | % | of the disk of `dataDir` |
 * | `temperature` | Cel | of the hottest zone, where the machine has one |
 * | `link` | 1 | 1 while the agent is connected to the broker |
 * | `spool`, `spool_batches` | %, 1 | of `outbox.bytesMax`; what waits for its receipt |
 * | `certificate_days` | d | until the agent's certificate ends, where it has one |
 */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Channel } from '@millrace/contract'
import { type Clock, every } from '@millrace/platform'
import type { AgentStatus } from '../agent.ts'
import { type AgentConfig, healthDevice } from '../config.ts'
import { certificateFile } from '../credential/index.ts'
import type { Device } from '../device.ts'
import { createIntake } from '../intake.ts'
import type { OutboxStatus } from '../outbox/index.ts'
import type { Stretches } from '../stretches.ts'
import type { UplinkStatus } from '../uplink/index.ts'
import { createCpuMeter, diskFree, memoryFree, temperature } from './machine.ts'

export interface HealthContext {
  clock: Clock
  given: Stretches
  status(): AgentStatus
}

const dayMs = 86_400_000
const units: Record<string, string> = {
  cpu: '%',
  agent_cpu: '%',
  memory_free: '%',
  agent_memory: 'MBy',
  disk_free: '%',
  temperature: 'Cel',
  link: '1',
  spool: '%',
  spool_batches: '1',
  certificate_days: 'd',
}

export function createHealth(config: AgentConfig, { clock, given, status }: HealthContext): Device {
  const { everyMs } = config.health
  const id = healthDevice(config)
  const channels = healthChannels(config)
  const intake = createIntake({ device: id, channels, given })
  const cpu = createCpuMeter()
  let stopTimer = () => {}
  let lastBytesMs = 0
  const measure = () => {
    lastBytesMs = clock.now()
    intake.frame()
    for (const [channel, value] of Object.entries(valuesOf(config, status(), cpu())))
      if (value !== undefined && Number.isFinite(value)) intake.reading(channel, lastBytesMs, Math.round(value * 10) / 10)
  }
  return {
    id,
    channels,
    start() {
      measure()
      stopTimer = every(clock, everyMs, measure)
    },
    drain() {
      const drained = intake.drain()
      return drained ? [drained] : []
    },
    gap: (sinceMs, reason) => intake.gap(sinceMs, reason),
    status: () => ({ isOpen: true, lastBytesMs, detail: `measured every ${everyMs} ms` }),
    async stop() {
      stopTimer()
    },
  }
}

export function healthChannels(config: AgentConfig): Channel[] {
  const { health } = config
  const isThere = (name: string) =>
    (name !== 'temperature' || temperature() !== undefined) &&
    (name !== 'certificate_days' || certificateFile(config) !== undefined)
  const common = { kind: 'number', datatype: 'Double', intervalMs: health.everyMs } as const
  return Object.entries(units).flatMap(([name, unit]) => (isThere(name) ? [{ name, unit, ...common }] : []))
}

function valuesOf(config: AgentConfig, { outbox, uplink }: AgentStatus, cpu: ReturnType<ReturnType<typeof createCpuMeter>>) {
  const { bytes, bytesMax, entries } = outbox as OutboxStatus
  return {
    cpu: cpu?.gateway,
    agent_cpu: cpu?.agent,
    memory_free: memoryFree(),
    agent_memory: process.memoryUsage.rss() / 1e6,
    disk_free: diskFree(config.dataDir),
    temperature: temperature(),
    link: (uplink as UplinkStatus).connected ? 1 : 0,
    spool: (100 * bytes) / bytesMax,
    spool_batches: entries,
    certificate_days: daysLeft(certificateFile(config)),
  }
}

/** The file is read each time: it may be renewed. */
function daysLeft(certFile: string | undefined): number | undefined {
  if (certFile === undefined) return undefined
  try {
    return (new X509Certificate(readFileSync(certFile)).validToDate.getTime() - Date.now()) / dayMs
  } catch {
    return undefined
  }
}
