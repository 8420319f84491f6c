/** A simulated gateway: real outbox, real uplink; readings come from a counter, so every value has one place in the order. */
import type { Channel, Tally } from '@millrace/contract'
import { emptyEdgeCounts } from '@millrace/contract'
import { createMetrics, every, silentLog } from '@millrace/contract/service'
import { openOutbox, outboxSchema } from '@millrace/edge-agent/outbox'
import { createUplink, type Transport, uplinkSchema } from '@millrace/edge-agent/uplink'
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
    devices: truths.map(({ device }) => ({ device, channels: [counterChannel, levelChannel] })),
    options: { ...uplinkSchema.parse({}), reconnectMsMin: 100, reconnectMsMax: 1000, resendMs: 500, resendMsMax: 4000 },
  })
  uplink.start()

  let isCommitting = false
  every(process.clock, options.commitMs ?? 150, async () => {
    if (isCommitting) return
    isCommitting = true
    const taken = (options.isProducing() ? truths : []).map((truth) => take(truth, world.nowMs, options.levelMs ?? 4000, random))
    const isDurable = await outbox.commit(taken.map(({ drained }) => drained))
    if (isDurable)
      for (const { truth, values } of taken) for (const value of values) truth.committed.set(value, disk.synced().length)
    isCommitting = false
  })
}

/** What the device measured since the last commit: 1 to 5 readings of each channel. */
function take(truth: DeviceTruth, nowMs: number, levelMs: number, random: Random) {
  const count = 1 + random.below(5)
  const t: number[] = []
  const v: number[] = []
  const levels: number[] = []
  for (let i = 0; i < count; i++) {
    const at = Math.max((truth.produced.at(-1)?.t ?? 0) + 1, Math.floor(nowMs) - 140 + i * 28)
    const level = Math.floor(at / levelMs) % 2 === 0 ? 10 : 90
    const value = truth.produced.length
    truth.produced.push({ t: at, v: value, level })
    t.push(at)
    v.push(value)
    levels.push(level)
  }
  const counts = { ...emptyEdgeCounts(), read: [2 * count, 0] as Tally, frames: [count, 0] as [number, number] }
  const columns = { channels: { count: { t, v }, level: { t: [...t], v: levels } }, waves: {} }
  return { truth, values: v, drained: { device: truth.device, columns, bad: [], counts } }
}

/** The planted bug: everything that was sent is freed at once. */
function freeing(transport: Transport, outbox: Awaited<ReturnType<typeof openOutbox>>): Transport {
  return {
    connect(will, events) {
      const connection = transport.connect(will, events)
      const taken = new Set<Parameters<typeof outbox.take>[0]>()
      const take = outbox.take
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
