/**
 * A simulated gateway: real intake, real outbox, real uplink; readings come from a counter, so every value has one place in the
 * order. When it starts, the clock may be wrong, and what waited in the kernel comes at once.
 */
import type { Channel } from '@millrace/contract'
import { createIntake, type Drained, type Intake } from '@millrace/edge-agent/intake'
import { openOutbox, outboxSchema } from '@millrace/edge-agent/outbox'
import { createUplink, type Transport, uplinkSchema } from '@millrace/edge-agent/uplink'
import { createMetrics, every, silentLog } from '@millrace/platform'
import type { Bug } from './bugs.ts'
import type { Disk } from './disk.ts'
import type { Network } from './network.ts'
import { type OutboxFrame, outboxOnDisk } from './outbox-disk.ts'
import type { Random } from './random.ts'
import type { Process, World } from './world.ts'

const group = 'sim'
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
  /** The clock may be wrong at a start, and frames may have waited. */
  hasRoughStarts?: boolean
  /** False when the devices fell silent, so that all can arrive. */
  isProducing: () => boolean
  /** Called when the disk killed the process. */
  crashed: () => void
}

/** Starts a process; it lives until it is killed. */
export async function startAgent(process: Process, options: AgentOptions): Promise<void> {
  const { world, random, network, disk, node, truths, bug } = options
  const around = {
    clock: process.clock,
    log: silentLog,
    metrics: createMetrics(),
    random: bug === 'stream-reused' ? () => 0.5 : () => random.next(),
  }
  const storage = outboxOnDisk(disk, process, options.crashed)
  const outbox = await openOutbox(
    storage,
    { ...outboxSchema.parse({}), bytesMax: options.bytesMax, freeDiskMin: 0, ledgerEveryMs: 500 },
    around,
  )
  if (!process.isAlive) return
  let transport: Transport = network.agentTransport(node, process)
  if (bug === 'free-before-receipt') transport = freeing(transport, outbox)
  const uplink = createUplink({
    ...around,
    outbox,
    transport,
    node: { group, node },
    host,
    devices: truths.map(({ device }) => ({ device, channels })),
    options: { ...uplinkSchema.parse({}), reconnectMsMin: 100, reconnectMsMax: 1000, resendMs: 500, resendMsMax: 4000 },
  })
  uplink.start()

  // A disk that loses what it said was durable takes the memory of given times with it.
  const isLying = bug === 'stream-reused' || bug === 'lying-disk'
  const isRough = options.hasRoughStarts === true && !isLying
  const clockMs = isRough ? wrongMs[random.below(wrongMs.length)]! : 0
  const devices = truths.map((truth): Device => {
    const given = bug === 'same-millisecond' ? [] : outbox.given(truth.device)
    return { truth, intake: createIntake({ device: truth.device, channels, given }), waited: isRough ? random.below(30) : 0 }
  })
  let isCommitting = false
  every(process.clock, options.commitMs ?? 150, async () => {
    if (isCommitting) return
    isCommitting = true
    const around = { nowMs: world.nowMs, clockMs, levelMs: options.levelMs ?? 4000, random }
    const taken = (options.isProducing() ? devices : []).map((device) => take(device, around))
    const isDurable = await outbox.commit(taken.flatMap(({ drained }) => drained))
    if (isDurable)
      for (const { truth, values } of taken) for (const value of values) truth.committed.set(value, disk.synced().length)
    isCommitting = false
  })
}

interface Device {
  truth: DeviceTruth
  intake: Intake
  /** Frames that waited in the kernel when the process started. */
  waited: number
}

interface Taking {
  nowMs: number
  clockMs: number
  levelMs: number
  random: Random
}

/** What the device measured since the last commit: 1 to 5 readings of each channel. */
function take(device: Device, { nowMs, clockMs, levelMs, random }: Taking) {
  const { truth, intake } = device
  const fresh = 1 + random.below(5)
  for (let i = -device.waited; i < fresh; i++) {
    const at = Math.floor(nowMs) - 140 + Math.max(0, i) * 28
    const level = Math.floor(at / levelMs) % 2 === 0 ? 10 : 90
    const value = truth.produced.length
    truth.produced.push({ t: Number.NaN, v: value, level })
    intake.frame()
    intake.reading('count', at + clockMs, value)
    intake.reading('level', at + clockMs, level)
    for (const k of [0, 1]) intake.sample('wave', at + clockMs + 14 * k, 2 * value + k)
  }
  device.waited = 0
  const drained = drainAll(intake)
  const values = drained.flatMap(({ columns }) => learnTimes(truth, columns.channels.count))
  return { truth, values, drained }
}

function drainAll(intake: Intake): Drained[] {
  const all: Drained[] = []
  for (let drained = intake.drain(); drained; drained = intake.drain()) all.push(drained)
  return all
}

/** The intake gives the times. */
function learnTimes({ produced }: DeviceTruth, column: Drained['columns']['channels'][string] | undefined): number[] {
  const values = (column?.v ?? []) as number[]
  for (const [k, value] of values.entries()) produced[value]!.t = column!.t[k]!
  return values
}

/** The planted bug: everything that was sent is freed at once. */
function freeing(transport: Transport, outbox: Awaited<ReturnType<typeof openOutbox>>): Transport {
  return {
    connect(will, events) {
      const connection = transport.connect(will, events)
      const taken = new Set<Parameters<typeof outbox.take>[0]>()
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
