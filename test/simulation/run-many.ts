/**
 * One seed of several processors on one shared log: two or more rounds of faults, each followed by a quiet window in which
 * everything must come right. Kills, freezes and cuts of one machine leave the others alive, so that they take over, and the
 * zombie comes back to find its work done.
 */
import { parseReceipt } from '@millrace/contract'
import { decodePayload, decodeState } from '@millrace/contract/sparkplug'
import { every } from '@millrace/platform'
import { type DeviceTruth, startSimulatedAgent } from './agent.ts'
import type { Bug } from './bugs.ts'
import { checkMany, isWaiting, waiting } from './checks-many.ts'
import { createDisk, type Disk } from './disk.ts'
import { stateTopic } from './host-state.ts'
import { type Member, memberStopMsMax, startMember } from './member.ts'
import { createNetwork } from './network.ts'
import { createDurableNames, createTold } from './observers.ts'
import type { OutboxFrame } from './outbox-disk.ts'
import { rememberAnnounced } from './processor.ts'
import { createRandom } from './random.ts'
import type { Outcome } from './run.ts'
import { createSharedLog } from './shared-log.ts'
import { createSharedStore } from './shared-store.ts'
import { createWorld, type Process } from './world.ts'

/** What runs on one machine, now. */
interface Machine {
  name: string
  process: Process
  /** Of processors. */
  member?: Member
  start(): void
  disk?: Disk<OutboxFrame>
  /** It is stopping cleanly, or down. */
  isAway: boolean
}

const quietMsMax = 90_000
/** Not a divisor of the second between two ticks, or one would always be in flight. */
const lookEveryMs = 870
const stopLookMs = 100
/** A broker publishes the will of a client that is silent for one and a half times its keep-alive. */
const silentMsMax = 15_000

export async function runManySeed(seed: number, processors: number | undefined, bug?: Bug): Promise<Outcome> {
  const random = createRandom(seed, 'many')
  const world = createWorld()
  const network = createNetwork(world, createRandom(seed, 'network'))
  const partitions = 1 + random.below(4)
  const log = createSharedLog(world, createRandom(seed, 'log'), `log-${seed}`, partitions)
  const store = createSharedStore(world, createRandom(seed, 'store'))
  const nodes = ['n1', 'n2'].slice(0, 1 + random.below(2))
  const count = processors ?? 2 + random.below(3)
  const hasWrongClocks = random.next() < 0.25
  const struck: Record<string, number> = {}
  const broken: string[] = []
  /** Told to stop and not ended. */
  const stopping = new Set<Process>()
  const strike = (kind: string) => {
    struck[kind] = (struck[kind] ?? 0) + 1
    disturb(world.nowMs)
  }
  /** The last moment of the last fault, which may be to come. */
  let disturbedMs = 0
  const disturb = (untilMs: number) => {
    disturbedMs = Math.max(disturbedMs, untilMs)
  }
  let isPeace = false
  let isProducing = true
  let receiverUpMs = 0
  /** Chance that the receiver does not answer. */
  let refusals = 0
  let refused = 0

  const truths = new Map<string, DeviceTruth[]>()
  const agents = nodes.map(agentMachine)
  const processes = Array.from({ length: count }, (_, k) => processorMachine(`p${k + 1}`))
  const machines = [...agents, ...processes]
  const durable = createDurableNames(log)
  const told = createTold()

  function agentMachine(name: string): Machine {
    truths.set(
      name,
      [`${name}-a`, `${name}-b`].slice(0, 1 + random.below(2)).map((device) => ({ device, produced: [], committed: new Map() })),
    )
    const disk = createDisk<OutboxFrame>(world, createRandom(seed, name))
    const self: Machine = {
      name,
      process: world.process(),
      disk,
      isAway: false,
      start() {
        self.process = world.process()
        startSimulatedAgent(self.process, {
          world,
          random: createRandom(seed, `${name}/${world.nowMs}`),
          lines: createRandom(seed, `${name}/${world.nowMs}/lines`),
          network,
          disk,
          node: name,
          truths: truths.get(name)!,
          bytesMax: 50_000_000,
          commitMs: 300,
          levelMs: 1600,
          bug,
          crashed: () => kill(self, 'crash at a disk operation'),
          isProducing: () => isProducing,
        }).catch((error) => broken.push(`agent ${name}: ${error.stack ?? error}`))
      },
    }
    return self
  }

  function processorMachine(machine: string): Machine {
    const announced = rememberAnnounced()
    const wrongByMs = hasWrongClocks ? random.below(4000) - 2000 : 0
    let starts = 0
    const self: Machine = {
      name: machine,
      process: world.process(),
      isAway: false,
      start() {
        const process = world.process(wrongByMs)
        self.process = process
        self.isAway = false
        delete self.member
        startMember(process, {
          machine,
          id: `${machine}-${++starts}`,
          network,
          sharedLog: log,
          store,
          bug,
          announced,
          onPublish: observe,
          onSend,
          onFailed: (error) => broken.push(`${machine} cannot go on: ${error instanceof Error ? error.stack : error}`),
        }).then(
          (member) => {
            self.member = member
            if (!isPeace && random.next() < 0.15) world.at(random.below(5000), () => self.member === member && leave(self))
          },
          (error) => broken.push(`${machine} did not start: ${error.stack ?? error}`),
        )
      },
    }
    return self
  }

  const living = () => processes.flatMap(({ process, member, isAway }) => (process.isAlive && member && !isAway ? [member] : []))

  function kill(self: Machine, kind: string): void {
    if (!self.process.isAlive) return
    strike(kind)
    end(self)
    world.at(isPeace ? 10 : 50 + random.below(2500), self.start)
  }

  function end(self: Machine): void {
    stopping.delete(self.process)
    self.process.kill()
    self.disk?.cut()
    if (!self.disk) network.hangUp(self.process)
  }

  function freeze(self: Machine, forMs: number): void {
    const { process } = self
    strike(forMs > 3000 ? 'zombie' : 'SIGSTOP')
    process.freeze()
    let isThawed = false
    world.at(silentMsMax, () => {
      if (!isThawed && !self.disk) network.hangUp(process)
    })
    world.at(forMs, () => {
      isThawed = true
      disturb(world.nowMs)
      process.thaw()
    })
  }

  // What is sent while the log does not answer may be sent again by another process: the fault lasts until it answers.
  function cutFromLog({ name }: Machine, forMs: number): void {
    disturb(world.nowMs + forMs)
    log.network.cut(name, forMs)
  }

  function restartLog(forMs: number): void {
    disturb(world.nowMs + forMs)
    log.network.restart(forMs)
  }

  /** A clean stop; it comes back later. */
  function leave(self: Machine): void {
    const { member } = self
    if (!member || self.isAway || !self.process.isAlive) return
    strike(member.members.isSettled() ? 'clean stop' : 'clean stop while joining')
    self.isAway = true
    // One that is told to stop while the log does not answer must end all the same.
    if (!isPeace && random.next() < 0.4) cutFromLog(self, 2000 + random.below(10_000))
    const { process } = self
    const stopWatch = watchStop(self, member)
    stopping.add(self.process)
    member
      .stop()
      .catch((error) => broken.push(`${self.name} did not stop: ${error.stack ?? error}`))
      .then(() => {
        stopWatch()
        stopping.delete(process)
        if (!process.isAlive) return
        // What it could not finish has the fate of what a killed one leaves.
        disturb(world.nowMs)
        end(self)
        world.at(isPeace ? 10 : random.below(5000), self.start)
      })
  }

  /** A stop is bounded whatever does not answer. Time in which the process was frozen does not count. */
  function watchStop(self: Machine, member: Member): () => void {
    let ranMs = 0
    const cancel = every(self.process.clock, stopLookMs, () => {
      ranMs += stopLookMs
      if (ranMs < memberStopMsMax) return
      cancel()
      broken.push(`${member.id} was told to stop and did not end within ${memberStopMsMax} ms`)
    })
    return cancel
  }

  function observe(member: Member, topic: string, payload: Uint8Array): void {
    if (topic === stateTopic) {
      const isGoing = processes.find(({ name }) => name === member.machine)!.isAway
      const others = member.members.live('bridge').filter((id) => id !== member.id)
      if (bug !== 'all-work' && isGoing && decodeState(payload)?.online === false && others.length > 0)
        broken.push(`${member.id} said that the host is offline, though it knew ${others}`)
    }
    if (!topic.includes('/NCMD/')) return
    const text = decodePayload(payload).metrics[0]?.value
    const receipt = typeof text === 'string' ? parseReceipt(text) : undefined
    if (!receipt || receipt.got.size === 0) return
    const names = durable()
    for (const [stream, ranges] of receipt.got) {
      for (const [first, last] of ranges) {
        for (let number = first; number <= last; number++)
          if (!names.has(`${stream}/${number}`)) broken.push(`receipt for ${stream}/${number} before it was durable`)
      }
    }
  }

  function onSend(member: Member, key: string): void {
    if (!member.members.isLeaseHeld()) broken.push(`${member.id} sent ${key} though others may have taken its place`)
    const other = living().find((one) => one !== member && one.isSending && one.members.isLeaseHeld())
    if (other) broken.push(`${member.id} sent ${key} while ${other.id} was sending as well`)
    if (world.nowMs < receiverUpMs || random.next() < refusals) {
      refused++
      throw new Error('the receiver does not answer')
    }
    const again = told.tell(key, member.id, world.nowMs, disturbedMs)
    if (again) broken.push(again)
  }

  function setFaults(isOn: boolean): void {
    const up = (most: number) => (isOn ? most * random.next() : 0)
    network.setFaults({ lose: up(0.03), double: up(0.03), overtake: up(0.05) })
    log.network.setFaults({ lose: up(0.02), loseAnswer: up(0.02), delay: up(0.02) })
    store.setFaults(up(0.03))
    refusals = up(0.7)
    for (const { disk } of agents) disk!.setFaults({ crash: up(0.005), error: up(0.02) })
  }

  function fault(): void {
    if (isPeace) return
    // The process that sends notifications is the most interesting one.
    const sender = processes.find(({ member }) => member?.isSending)
    const target = random.next() < 0.4 && sender ? sender : processes[random.below(count)]!
    switch (random.below(13)) {
      case 0:
      case 1:
        return kill(target, 'kill -9')
      case 2:
      case 3:
        return freeze(target, random.next() < 0.05 ? 60_000 : 200 + 9000 * random.next() ** 2)
      case 4:
        return leave(target)
      case 5:
      case 6:
        return cutFromLog(target, 300 + random.below(8000))
      case 7:
        return restartLog(200 + random.below(2500))
      case 8:
        return network.cutLink(target.name, random.below(4000))
      case 9:
        return network.killBroker(random.below(1500))
      case 10:
        receiverUpMs = world.nowMs + random.below(4000)
        return
      case 11:
        // One falls silent while another begins.
        cutFromLog(target, 2000 + random.below(4000))
        return kill(processes.find((one) => one !== target)!, 'kill -9')
      default: {
        const agent = agents[random.below(agents.length)]!
        if (random.next() < 0.5) return kill(agent, 'kill -9 of an agent')
        return network.cutLink(agent.name, random.below(2500))
      }
    }
  }

  async function round(faultyMs: number): Promise<string[]> {
    isPeace = false
    isProducing = true
    setFaults(true)
    for (let i = 3 + random.below(7); i > 0; i--) world.at(random.below(faultyMs), fault)
    await world.run(world.nowMs + faultyMs)
    isPeace = true
    // A log that answers again at once would hide a stop that waits for it.
    const untilMs = world.nowMs + memberStopMsMax
    while (stopping.size > 0 && world.nowMs < untilMs && broken.length === 0) await world.run(world.nowMs + stopLookMs)
    setFaults(false)
    log.network.mend()
    receiverUpMs = 0
    disturbedMs = world.nowMs
    for (const { process } of machines) process.thaw()
    await world.run(world.nowMs + 400)
    isProducing = false
    let found = [`${waiting}the first look`]
    for (let waitedMs = 0; waitedMs < quietMsMax && found.length > 0 && broken.length === 0; waitedMs += lookEveryMs) {
      await world.run(world.nowMs + lookEveryMs)
      const seen = check()
      // What is only on its way hides nothing that was found wrong before.
      if (!isWaiting(seen) || isWaiting(found)) found = seen
    }
    return found
  }

  function check(): string[] {
    const members = living()
    if (members.length < count) return [`${count - members.length} processors are not back`]
    const retained = network.retained(stateTopic)
    return checkMany({
      truths: [...truths.values()].flat(),
      log,
      store,
      told: told.keys,
      members,
      isOnline: retained !== undefined && decodeState(retained)?.online === true,
      allWork: bug === 'all-work',
    })
  }

  for (const each of machines) each.start()
  const rounds = 1 + random.below(2)
  for (let i = 0; i < rounds && broken.length === 0; i++) broken.push(...(await round(4000 + random.below(6000))))
  for (const [kind, times] of Object.entries({
    ...network.struck,
    'log request lost': log.network.struck.lost,
    'log answer lost': log.network.struck.answersLost,
    'log request late': log.network.struck.delayed,
    'machine cut from the log': log.network.struck.cuts,
    'log restart': log.network.struck.restarts,
    'half a snapshot': log.halfSnapshots(),
    'half a store write': store.struck.halfWrites,
    'suspect of the store': store.struck.suspects,
    'notification refused': refused,
    'notification repeated': told.repeats(),
  }))
    if (times > 0) struck[kind] = times
  for (const { process } of machines) process.kill()
  const readings = [...truths.values()].flat().reduce((sum, { produced }) => sum + produced.length, 0)
  return { seed, processors: count, broken: broken.slice(0, 5), struck, readings }
}
