/**
 * A simulated gateway: the real agent on a simulated disk and network. Readings come from a counter, so every value has one
 * place in the order. When it starts, the clock may be wrong, and what waited in the kernel comes at once.
 */
import type { Channel } from '@millrace/contract'
import { startAgent } from '@millrace/edge-agent/agent'
import { type AgentConfig, agentSchema } from '@millrace/edge-agent/config'
import type { Device } from '@millrace/edge-agent/device'
import { createIntake, type Drained, type Intake } from '@millrace/edge-agent/intake'
import type { Outbox } from '@millrace/edge-agent/outbox'
import { type Parts, parts } from '@millrace/edge-agent/parts'
import type { Transport, Uplink } from '@millrace/edge-agent/uplink'
import { type Clock, createMetrics, silentLog } from '@millrace/platform'
import type { Bug } from './bugs.ts'
import type { Disk } from './disk.ts'
import type { Network } from './network.ts'
import { type OutboxFrame, outboxOnDisk } from './outbox-disk.ts'
import type { Random } from './random.ts'
import type { Process, World } from './world.ts'

export const host = 'millrace'

/** Value k of a device is k: what is stored tells by itself what is missing, doubled or moved. */
export interface DeviceTruth {
  device: string
  produced: { t: number; v: number; level: number }[]
  /** Those of `produced` that were in a commit said to be durable, and how many frames the disk held then. */
  committed: Map<number, number>
}

const counterChannel: Channel = { name: 'count', kind: 'number', datatype: 'Int32', unit: '1' }
/** Slow square wave that rules can alarm on. */
const levelChannel: Channel = { name: 'level', kind: 'number', datatype: 'Int16', unit: '1' }
const waveChannel: Channel = { name: 'wave', kind: 'waveform', datatype: 'Int32Array', unit: '1', intervalMs: 1000 / 60 }
const channels = [counterChannel, levelChannel, waveChannel]
/** By how much the clock of a start may be wrong: in a later one time seems to go back. */
const wrongMs = [0, 0, 0, 700, -60, -400, -3000]

export interface AgentOptions {
  world: World
  random: Random
  network: Network
  disk: Disk<OutboxFrame>
  node: string
  truths: DeviceTruth[]
  bytesMax: number
  /** Between two commits; by default 150. */
  commitMs?: number
  /** Between two changes of the level; by default 4000. */
  levelMs?: number
  bug: Bug | undefined
  /** When devices are said to be away and back; absent: never. */
  lines?: Random
  /** The clock may be wrong at a start, and frames may have waited. */
  hasRoughStarts?: boolean
  /** False when the devices fell silent, so that all can arrive. */
  isProducing: () => boolean
  /** Called when the disk killed the process. */
  crashed: () => void
}

const common = agentSchema.parse({ group: 'sim', host })

function configOf({ node, bytesMax, commitMs = 150 }: AgentOptions): AgentConfig {
  // A small outbox is known by pages soon, as a large one is in a long outage.
  const { indexEntriesMax } = bytesMax < 100_000 ? { indexEntriesMax: 16 } : common.outbox
  return {
    ...common,
    node,
    commitEveryMs: commitMs,
    outbox: { ...common.outbox, bytesMax, indexEntriesMax, freeDiskMin: 0, ledgerEveryMs: 500 },
    uplink: { ...common.uplink, reconnectMsMin: 100, reconnectMsMax: 1000, resendMs: 500, resendMsMax: 4000 },
  }
}

/** Starts a process; it lives until it is killed. */
export async function startSimulatedAgent(process: Process, options: AgentOptions): Promise<void> {
  const { random, network, disk, node, bug } = options
  await startAgent(
    configOf(options),
    {
      clock: process.clock,
      log: silentLog,
      metrics: createMetrics(),
      random: bug === 'stream-reused' ? () => 0.5 : () => random.next(),
      storage: outboxOnDisk(disk, process, options.crashed),
      transport: network.agentTransport(node, process),
      devices: (given) => createDevices(options, bug === 'same-millisecond' ? () => [] : given),
    },
    partsOf(options),
  )
}

/** The real parts: what the outbox says to be durable is noted. */
function partsOf(options: AgentOptions): Parts {
  const { disk, truths, bug } = options
  return {
    async openOutbox(...given) {
      const outbox = await parts.openOutbox(...given)
      const commit = outbox.commit.bind(outbox)
      outbox.commit = async (drained) => {
        const isDurable = await commit(drained)
        if (isDurable) note(drained, truths, disk.synced().length)
        return isDurable
      }
      return outbox
    },
    createUplink(context) {
      const isFreeing = bug === 'free-before-receipt'
      const transport = isFreeing ? freeing(context.transport, context.outbox) : context.transport
      const uplink = parts.createUplink({ ...context, transport })
      for (const { device } of truths) comeAndGo(device, uplink, { ...options, clock: context.clock })
      return uplink
    },
  }
}

/** At any moment, whatever it measures: its death and its next birth fall among its batches. */
function comeAndGo(device: string, uplink: Uplink, options: AgentOptions & { clock: Clock }): void {
  const { lines, clock, isProducing } = options
  if (!lines) return
  const pass = (change: () => void) => void clock.after(200 + lines.below(2500), change)
  const go = () => {
    if (!isProducing()) return
    uplink.deviceOffline(device)
    pass(back)
  }
  const back = () => {
    uplink.deviceOnline(device)
    pass(go)
  }
  pass(go)
}

function note(drained: Drained[], truths: DeviceTruth[], frames: number): void {
  for (const { device, columns } of drained) {
    const { committed } = truths.find((truth) => truth.device === device)!
    for (const value of columns.channels.count?.v ?? []) committed.set(value as number, frames)
  }
}

function createDevices(options: AgentOptions, given: Parameters<Parameters<typeof startAgent>[1]['devices']>[0]): Device[] {
  const { random, truths, bug } = options
  // A disk that loses what it said was durable takes the memory of given times with it.
  const isLying = bug === 'stream-reused' || bug === 'lying-disk'
  const isRough = options.hasRoughStarts === true && !isLying
  const clockMs = isRough ? wrongMs[random.below(wrongMs.length)]! : 0
  return truths.map((truth) => {
    const intake = createIntake({ device: truth.device, channels, given: given(truth.device) })
    return createDevice(options, { truth, intake, clockMs, waited: isRough ? random.below(30) : 0 })
  })
}

interface Line {
  truth: DeviceTruth
  intake: Intake
  clockMs: number
  /** Frames that waited in the kernel when the process started. */
  waited: number
}

/** It measures when it is drained. */
function createDevice(options: AgentOptions, line: Line): Device {
  return {
    id: line.truth.device,
    channels,
    start() {},
    drain: () => (options.isProducing() ? measure(options, line) : []),
    gap: (sinceMs, reason) => line.intake.gap(sinceMs, reason),
    status: () => ({ isOpen: true, lastBytesMs: 0, detail: 'simulated' }),
    stop: async () => {},
  }
}

/** What the device measured since the last commit: 1 to 5 readings of each channel. */
function measure({ world, random, levelMs = 4000 }: AgentOptions, line: Line): Drained[] {
  const { truth, intake, clockMs } = line
  const fresh = 1 + random.below(5)
  for (let i = -line.waited; i < fresh; i++) {
    const at = Math.floor(world.nowMs) - 140 + Math.max(0, i) * 28
    const level = Math.floor(at / levelMs) % 2 === 0 ? 10 : 90
    const value = truth.produced.length
    truth.produced.push({ t: Number.NaN, v: value, level })
    intake.frame()
    intake.reading('count', at + clockMs, value)
    intake.reading('level', at + clockMs, level)
    for (const k of [0, 1]) intake.sample('wave', at + clockMs + 14 * k, 2 * value + k)
  }
  line.waited = 0
  const drained: Drained[] = []
  for (let one = intake.drain(); one; one = intake.drain()) drained.push(one)
  for (const { columns } of drained) learnTimes(truth, columns.channels.count)
  return drained
}

/** The intake gives the times. */
function learnTimes({ produced }: DeviceTruth, column: Drained['columns']['channels'][string] | undefined): void {
  for (const [k, value] of ((column?.v ?? []) as number[]).entries()) produced[value]!.t = column!.t[k]!
}

/** The planted bug: everything that was sent is freed at once. */
function freeing(transport: Transport, outbox: Outbox): Transport {
  return {
    connect(will, events) {
      const connection = transport.connect(will, events)
      const taken = new Set<Parameters<Outbox['take']>[0]>()
      const take = outbox.take.bind(outbox)
      outbox.take = (entry) => {
        taken.add(entry)
        take(entry)
      }
      return {
        ...connection,
        publish(topic, payload, qos) {
          const isWritable = connection.publish(topic, payload, qos)
          outbox.release([...taken])
          taken.clear()
          return isWritable
        },
      }
    },
  }
}
