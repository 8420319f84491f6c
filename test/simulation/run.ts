/**
 * One seed: a small installation lives through a night's worth of faults in virtual time, then is left in peace, and every
 * promise is checked against what an observer saw: what devices produced, what the outbox said was durable, what was
 * receipted, what the store holds, which alarms were made.
 */
import { decodeRaw, parseBatchName, parseReceipt, topics } from '@millrace/contract'
import { decodePayload, peek } from '@millrace/contract/sparkplug'
import { type DeviceTruth, startSimulatedAgent } from './agent.ts'
import type { Bug } from './bugs.ts'
import { checkAll } from './checks.ts'
import { startCloud } from './cloud.ts'
import { createDisk, type Disk } from './disk.ts'
import type { LogFrame } from './log-disk.ts'
import { createNetwork } from './network.ts'
import type { OutboxFrame } from './outbox-disk.ts'
import { rememberAnnounced } from './processor.ts'
import { createRandom } from './random.ts'
import type { StoreFrame } from './store-disk.ts'
import { createWorld, type Process } from './world.ts'

export interface Outcome {
  seed: number
  /** Where several shared a log. */
  processors?: number
  /** Empty when every promise held. */
  broken: string[]
  /** Faults that really struck, by kind. */
  struck: Record<string, number>
  readings: number
}

type AnyDisk = Pick<Disk<unknown>, 'cut' | 'setFaults' | 'struck'>

interface Machine {
  process: Process
  disks: AnyDisk[]
  start(): void
}

const faultyMs = 3000
const quietMsMax = 120_000

export async function runSeed(seed: number, bug?: Bug): Promise<Outcome> {
  const random = createRandom(seed, 'world')
  const world = createWorld()
  const network = createNetwork(world, createRandom(seed, 'network'))
  const partitions = 1 + random.below(2)
  const nodes = ['n1', 'n2'].slice(0, 1 + random.below(2))
  const bytesMax = random.next() < 0.25 ? 15_000 + random.below(20_000) : 50_000_000
  const struck: Record<string, number> = {}
  const broken: string[] = []
  const strike = (kind: string) => {
    struck[kind] = (struck[kind] ?? 0) + 1
  }
  // The rules of some installations are never quite up to date.
  const isBusy = bug === 'backlog-never' || createRandom(seed, 'busy').next() < 0.1
  if (isBusy) strike('busy for good')
  const lies = bug === 'stream-reused' || bug === 'lying-disk'
  let isPeace = false
  let isProducing = true
  const durableNames = { frames: 0, names: new Set<string>() }

  const truths = new Map<string, DeviceTruth[]>()
  const machines: Machine[] = []
  const logDisk = createDisk<LogFrame>(world, createRandom(seed, 'log'))
  const storeDisk = createDisk<StoreFrame>(world, createRandom(seed, 'store'))
  const logId = `log-${seed}`

  for (const node of nodes) {
    truths.set(
      node,
      [`${node}-a`, `${node}-b`].slice(0, 1 + random.below(2)).map((device) => ({ device, produced: [], committed: new Map() })),
    )
    const disk = createDisk<OutboxFrame>(world, createRandom(seed, node), {
      syncs: bug !== 'no-fsync',
      lies: bug === 'stream-reused',
    })
    machines.push(
      machine([disk], (process, crashed) => {
        startSimulatedAgent(process, {
          world,
          random: createRandom(seed, `${node}/${world.nowMs}`),
          lines: createRandom(seed, `${node}/${world.nowMs}/lines`),
          network,
          disk,
          node,
          truths: truths.get(node)!,
          bytesMax,
          bug,
          hasRoughStarts: true,
          crashed,
          isProducing: () => isProducing,
        }).catch((error) => broken.push(`agent ${node}: ${error.stack ?? error}`))
      }),
    )
  }
  const announced = rememberAnnounced()
  const disks = { logDisk, storeDisk, logId, partitions }
  const cloud = machine([logDisk, storeDisk], (process, crashed) => {
    startCloud(process, { ...disks, network, announced, bug, crashed, isBusy, onPublish: observeReceipts }).catch((error) =>
      broken.push(`the processor cannot go on: ${error.stack ?? error}`),
    )
  })
  machines.push(cloud)

  /** A process on its disks; killed, it starts again after a while. */
  function machine(disks: AnyDisk[], boot: (process: Process, crashed: () => void) => void): Machine {
    const self: Machine = {
      process: world.process(),
      disks,
      start() {
        const process = world.process()
        self.process = process
        boot(process, () => kill(self, 'crash at a disk operation'))
      },
    }
    return self
  }

  function kill(self: Machine, kind: string): void {
    if (!self.process.isAlive) return
    strike(kind)
    self.process.kill()
    for (const disk of self.disks) disk.cut()
    if (lies) forgetLostTail(self)
    world.at(isPeace ? 10 : 50 + random.below(700), self.start)
  }

  /** What a lying disk took back was never durable. */
  function forgetLostTail(self: Machine): void {
    const disk = self.disks[0] as Disk<OutboxFrame>
    for (const { committed } of truths.get(nodes[machines.indexOf(self)]!) ?? []) {
      for (const [value, frames] of committed) if (frames > disk.synced().length) committed.delete(value)
    }
  }

  /** No receipt may be ahead of what is durable. */
  function observeReceipts(topic: string, payload: Uint8Array): void {
    if (!topic.includes('/NCMD/')) return
    const text = decodePayload(payload).metrics[0]?.value
    const receipt = typeof text === 'string' ? parseReceipt(text) : undefined
    if (!receipt || receipt.got.size === 0) return
    takeNames(durableNames, logDisk)
    for (const [stream, ranges] of receipt.got) {
      for (const [first, last] of ranges) {
        for (let number = first; number <= last; number++) {
          if (!durableNames.names.has(`${stream}/${number}`)) broken.push(`receipt for ${stream}/${number} before it was durable`)
        }
      }
    }
  }

  for (const each of machines) each.start()
  schedule()
  await world.run(world.nowMs + faultyMs)

  // Peace: every fault is mended, and what is in flight must arrive.
  isPeace = true
  network.setFaults({ lose: 0, double: 0, overtake: 0 })
  for (const { disks, process } of machines) {
    for (const disk of disks) disk.setFaults({ crash: 0, error: 0 })
    process.thaw()
  }
  const check = () => checkAll({ truths: [...truths.values()].flat(), logDisk, storeDisk, logId, partitions, lies })
  await world.run(world.nowMs + 500)
  isProducing = false
  let found = ['never checked']
  for (let waited = 0; waited < quietMsMax && found.length > 0; waited += 1500) {
    await world.run(world.nowMs + 1500)
    found = check()
  }
  broken.push(...found)
  for (const [kind, count] of Object.entries(network.struck)) if (count > 0) struck[kind] = count
  for (const { disks } of machines) {
    for (const disk of disks) {
      if (disk.struck.error > 0) struck['disk error'] = (struck['disk error'] ?? 0) + disk.struck.error
      if (disk.struck.torn > 0) struck['unsynced bytes at a cut'] = (struck['unsynced bytes at a cut'] ?? 0) + disk.struck.torn
    }
  }
  for (const { process } of machines) process.kill()
  const readings = [...truths.values()].flat().reduce((sum, { produced }) => sum + produced.length, 0)
  return { seed, broken: broken.slice(0, 5), struck, readings }

  function schedule(): void {
    network.setFaults({ lose: 0.03 * random.next(), double: 0.03 * random.next(), overtake: 0.05 * random.next() })
    for (const { disks } of machines) {
      for (const disk of disks) disk.setFaults({ crash: 0.01 * random.next(), error: 0.02 * random.next() })
    }
    for (let i = 4 + random.below(6); i > 0; i--) world.at(random.below(faultyMs), fault)
  }

  function fault(): void {
    if (isPeace) return
    const target = machines[random.below(machines.length)]!
    switch (random.below(6)) {
      case 0:
      case 1:
        return kill(target, 'kill -9')
      case 2:
        return network.killBroker(random.below(1000))
      case 3:
        return network.cutLink(nodes[random.below(nodes.length)]!, random.below(2500))
      case 4: {
        strike('SIGSTOP')
        const { process } = target
        process.freeze()
        return void world.at(random.below(2000), () => process.thaw())
      }
      default:
        return kill(cloud, 'kill -9')
    }
  }
}

/** Names of the batches that are synced in `raw`, gathered frame by frame. */
function takeNames(known: { frames: number; names: Set<string> }, disk: Disk<LogFrame>): void {
  const frames = disk.synced()
  for (; known.frames < frames.length; known.frames++) {
    for (const { write } of frames[known.frames]!.writes) {
      if (!('records' in write) || write.topic !== topics.raw) continue
      for (const { value } of write.records) {
        const raw = decodeRaw(value)
        const name = raw.k === 'message' ? parseBatchName(peek(raw.payload)?.uuid) : undefined
        if (name) known.names.add(`${name.stream}/${name.number}`)
      }
    }
  }
}
