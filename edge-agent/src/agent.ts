/**
 * The edge agent on one screen:
 *
 *   device ─ bus ─► decoder ─► intake (filters, columns) ─ every 100 ms ─► outbox ─ uplink ─► broker
 *                                                            rules ──────────►┘ ▲ receipts ┘
 */
import { nodeMetrics } from '@millrace/contract'
import { type Clock, every, type Log, type Metrics, type Part, stopInOrder } from '@millrace/platform'
import { type Boot, Clocks } from './clock/index.ts'
import type { AgentConfig } from './config.ts'
import type { Device, DeviceStatus } from './device.ts'
import type { Outbox, OutboxStorage } from './outbox/index.ts'
import { type Parts, parts as realParts } from './parts.ts'
import { followPresence } from './presence.ts'
import type { LocalRules, LocalRulesContext } from './rules/index.ts'
import type { Stretches } from './stretches.ts'
import type { Orders, Transport, Uplink } from './uplink/index.ts'

/** What an agent needs besides its configuration. All of it is passed in, so that a simulation can own it. */
export interface AgentContext {
  storage: OutboxStorage
  transport: Transport
  /**
   * The devices on this gateway.
   * @param given where readings of earlier runs of a device have their times
   * @param status of this agent, once it has started
   * @param clock that stamps readings
   */
  devices(given: (device: string) => Stretches, status: () => AgentStatus, clock: Clock): Device[]
  /** The rules that run here; absent: none. */
  rules?: (given: Pick<LocalRulesContext, 'devices' | 'memory' | 'clock'>) => LocalRules
  /** Remote care; absent: there is none. */
  orders?: Orders
  clock: Clock
  /** Absent: readings are stamped by `clock`, and nothing is said of how far off that is. */
  boot?: Boot
  log: Log
  metrics: Metrics
  /** Below 1, as Math.random; absent: of the machine. */
  random?: () => number
}

export interface Agent {
  status(): AgentStatus
  /** Rises with each commit that has ended, whatever its outcome: a sign of life. */
  commits(): number
  /** The rules that run here. */
  rules: LocalRules | undefined
  devices: readonly Device[]
  uplink: Pick<Uplink, 'report' | 'requestRebirth' | 'hostNowMs'>
  stop(): Promise<void>
}

export interface AgentStatus {
  node: string
  devices: Record<string, DeviceStatus>
  outbox: unknown
  uplink: unknown
  rules?: unknown
}

/** Production, simulation and tests start this same function; they differ in the engines that they pass. */
export async function startAgent(config: AgentConfig, engines: AgentContext, parts: Parts = realParts): Promise<Agent> {
  const outbox = await parts.openOutbox(engines.storage, config.outbox, engines)
  try {
    return assemble(config, { ...engines, outbox }, parts)
  } catch (error) {
    // Another configuration may be tried on it.
    await outbox.close()
    throw error
  }
}

function assemble(config: AgentConfig, engines: AgentContext & { outbox: Outbox }, parts: Parts): Agent {
  const { log, metrics, transport, outbox } = engines
  const clocks = createClocks(config, engines, outbox)
  const clock = clocks?.clock ?? engines.clock
  const devices = engines.devices(
    (device) => outbox.given(device),
    () => status(),
    clock,
  )
  tellDowntime(devices, outbox)
  const rules = engines.rules?.({ devices, memory: outbox.rules, clock })
  const uplink = parts.createUplink({
    ...engines,
    clock,
    clocks,
    outbox,
    transport,
    node: { group: config.group, node: config.node },
    host: config.host,
    devices: devices.map(({ id, channels }) => ({ device: id, channels })),
    options: config.uplink,
    nodeMetrics: [...(rules ? [nodeMetrics.alarm] : []), ...(engines.orders ? [nodeMetrics.order, nodeMetrics.report] : [])],
  })
  const status = (): AgentStatus => ({
    node: `${config.group}/${config.node}`,
    devices: Object.fromEntries(devices.map((device) => [device.id, device.status()])),
    outbox: outbox.status(),
    uplink: uplink.status(),
    ...(rules ? { rules: rules.status() } : {}),
  })
  countOpen(metrics, devices)
  uplink.start()
  for (const device of devices) device.start()

  const lookAtLines = followPresence(devices, uplink, clock)
  const commits = commitRegularly({ devices, outbox, rules, log, before: lookAtLines })
  const stopTimer = every(clock, config.commitEveryMs, commits.commit)
  const inOrder: Part[] = [
    { name: 'devices', stop: () => Promise.all(devices.map((device) => device.stop())) },
    { name: 'last commit', stop: commits.last },
    ...(rules ? [{ name: 'rules', stop: async () => rules.stop() }] : []),
    { name: 'uplink', stop: () => uplink.stop() },
    { name: 'outbox', stop: () => outbox.close() },
  ]

  return {
    status,
    commits: commits.ended,
    rules,
    devices,
    uplink,
    async stop() {
      stopTimer()
      await stopInOrder(inOrder, engines)
    },
  }
}

interface Committing {
  devices: Device[]
  outbox: Outbox
  rules: LocalRules | undefined
  log: AgentContext['log']
  before(): void
}

/** What the devices read since the last time goes to the disk, with what the rules make of it. */
function commitRegularly({ devices, outbox, rules, log, before }: Committing) {
  let committing: Promise<unknown> = Promise.resolve()
  let ended = 0
  function commit(): void {
    before()
    const drained = devices.flatMap((device) => device.drain())
    const committed = outbox.commit(drained, rules?.take(drained)).catch((error) => log.error('commit failed', { error }))
    committing = committed.then(() => {
      ended++
      rules?.committed()
    })
  }
  return {
    commit,
    ended: () => ended,
    async last() {
      await committing
      commit()
      await committing
    },
  }
}

/** Without receipts nobody says how far off the clock is. */
function createClocks({ uplink }: AgentConfig, { clock, boot }: AgentContext, outbox: Outbox): Clocks | undefined {
  if (!uplink.receipts || !boot) return undefined
  const records = { kept: outbox.kept, keep: outbox.keep.bind(outbox) }
  return new Clocks({ clock, boot, stream: outbox.stream, records, ...outbox.allGiven() })
}

/** From what was committed last to now nobody read the devices. */
function tellDowntime(devices: Device[], outbox: { lastCommittedMs(device: string): number | undefined }): void {
  for (const device of devices) {
    const sinceMs = outbox.lastCommittedMs(device.id)
    if (sinceMs !== undefined) device.gap(sinceMs, 'agent-down')
  }
}

function countOpen(metrics: Metrics, devices: Device[]): void {
  metrics.gauge('millrace_device_open', '1 while the line of a device is open', () =>
    devices.map((device) => ({ labels: { device: device.id }, value: device.status().isOpen ? 1 : 0 })),
  )
}
