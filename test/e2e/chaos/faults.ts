/** Carries the faults out, and keeps a record of those that really struck. */
import type { Socket } from 'node:net'
import { freezeSubscriber } from '../../support/frozen-subscriber.ts'
import type { Victim } from './engines.ts'
import type { Agent, Installation } from './installation.ts'
import { distributedKinds, type Fault, type Kind, kinds, standingKinds } from './kinds.ts'
import type { Processor } from './processors.ts'

export interface Strike {
  kind: Kind
  /** Agent, device, or process. */
  target: string
  fromMs: number
  /** When it was lifted: the process was ready again, the link mended. */
  toMs?: number
}

export interface Faults {
  /** Resolves when the fault is over. One that finds its target down waits for it a while, and then does not strike. */
  carryOut(fault: Fault): Promise<void>
  /** All that must strike in this installation. */
  kinds: Kind[]
  /** Only some kinds were asked for. */
  isPart: boolean
  /** Why the others cannot. */
  left: { kind: Kind; why: string }[]
  strikes: Strike[]
  missed: Record<string, number>
  /** Beside what a fault was to do. */
  wrong: string[]
  /** By device: lengths of the garbage ordered, each one once. */
  garbage: Map<string, number[]>
}

/** @param only of all kinds; absent: every one that this installation can suffer. */
export function createFaults(installation: Installation, only?: string[]): Faults {
  const { agents, broker, processors, visitor, shared, simulator, devices } = installation
  const strikes: Strike[] = []
  const missed: Record<string, number> = {}
  const garbage = new Map<string, number[]>()
  const cut = new Set<Agent>()
  const unplugged = new Set<string>()
  const zombies = new Set<Processor>()
  const wrong: string[] = []
  const left = leftOut(installation)
  const all: Kind[] = [
    ...(Object.keys(kinds) as Kind[]),
    ...(shared ? [...(Object.keys(distributedKinds) as Kind[]), ...standingKinds] : []),
  ]
  let frozen = 0

  return {
    carryOut,
    kinds: all.filter((kind) => !left.some((one) => one.kind === kind) && (only?.includes(kind) ?? true)),
    isPart: only !== undefined,
    left,
    strikes,
    missed,
    wrong,
    garbage,
  }

  async function carryOut(fault: Fault): Promise<void> {
    const agent = agents[fault.target % agents.length]!
    const { device } = devices[fault.target % devices.length]!
    switch (fault.kind) {
      case 'kill -9 agent':
        return killed(fault, agent)
      case 'kill -9 broker':
        return killed(fault, broker)
      case 'wipe broker':
        return killed(fault, broker, installation.wipeBroker)
      case 'kill -9 processor':
        return killed(fault, pick(fault, 1)[0]!)
      case 'link cut':
        return cutLink(fault, agent, 'reset')
      case 'link silent':
        return cutLink(fault, agent, 'silent')
      case 'SIGSTOP agent':
        return paused(fault, agent)
      case 'SIGSTOP broker':
        return paused(fault, broker)
      case 'SIGSTOP processor':
        return paused(fault, pick(fault, 1)[0]!)
      case 'pty unplug':
        return unplug(fault, device)
      case 'garbage':
        return spoil(fault)
      case 'frozen subscriber':
        return freeze(fault)
      case 'kill -9 two processors':
        return killedTogether(fault, pick(fault, 2))
      case 'zombie processor':
        return zombie(fault, pick(fault, 1)[0]!)
      case 'processor joins and leaves':
        return visit(fault, visitor!)
      case 'kill -9 Kafka':
        return killed(fault, shared!.kafka)
      case 'SIGSTOP Kafka':
        return paused(fault, shared!.kafka)
      case 'kill -9 store':
        return killed(fault, shared!.store!)
      case 'SIGSTOP store':
        return paused(fault, shared!.store!)
      case 'store disk full':
        return during(fault, 'store', shared!.store!.disk!.fill, shared!.store!.disk!.free)
    }
  }

  /** So many different processors, but none that stands as a zombie: nothing must end it before its time. */
  function pick({ target }: Fault, count: number): Processor[] {
    const free = processors.filter((one) => !zombies.has(one))
    return Array.from({ length: count }, (_, k) => free[(target + k) % free.length]!)
  }

  async function during(
    fault: Fault,
    target: string,
    begin: () => Promise<boolean> | boolean,
    end: () => unknown,
  ): Promise<void> {
    const strike: Strike = { kind: fault.kind, target, fromMs: Date.now() }
    for (const byMs = Date.now() + fault.patienceMs; !(await begin()); strike.fromMs = Date.now()) {
      if (Date.now() >= byMs) {
        missed[fault.kind] = (missed[fault.kind] ?? 0) + 1
        return
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    strikes.push(strike)
    await new Promise((resolve) => setTimeout(resolve, fault.lastsMs))
    await end()
    strike.toMs = Date.now()
  }

  /** A process that was stopped may be killed as well, one that still starts too; it must only be there. */
  function killed(fault: Fault, victim: Victim, meanwhile = () => {}): Promise<void> {
    return during(
      fault,
      victim.name,
      () => victim.kill(),
      async () => {
        meanwhile()
        await victim.start()
      },
    )
  }

  function killedTogether(fault: Fault, victims: Processor[]): Promise<void> {
    return during(
      fault,
      victims.map(({ name }) => name).join(' and '),
      async () => {
        if (!victims.every((victim) => victim.isRunning())) return false
        return (await Promise.all(victims.map((victim) => victim.kill()))).every((isKilled) => isKilled)
      },
      () => Promise.all(victims.map((victim) => victim.start())),
    )
  }

  async function zombie(fault: Fault, victim: Processor): Promise<void> {
    zombies.add(victim)
    await paused(fault, victim).finally(() => zombies.delete(victim))
  }

  function visit(fault: Fault, visitor: Processor): Promise<void> {
    return during(
      fault,
      visitor.name,
      async () => {
        if (visitor.isRunning()) return false
        await visitor.start()
        return true
      },
      async () => {
        const how = await visitor.stop()
        if (how !== 'code 0') wrong.push(`${visitor.name} was to leave cleanly: ${how}`)
      },
    )
  }

  function paused(fault: Fault, victim: Victim): Promise<void> {
    let pid: number | undefined
    return during(
      fault,
      victim.name,
      async () => {
        pid = victim.pid()
        return victim.isUp() && (await victim.pause())
      },
      // If it was killed in between, another process runs, which is not stopped.
      () => victim.pid() === pid && victim.resume(),
    )
  }

  function cutLink(fault: Fault, agent: Agent, how: 'reset' | 'silent'): Promise<void> {
    const { link } = agent
    return during(
      fault,
      agent.name,
      () => {
        if (cut.has(agent) || !agent.isRunning()) return false
        cut.add(agent)
        link.cut(how)
        return true
      },
      () => {
        link.mend()
        cut.delete(agent)
      },
    )
  }

  function unplug(fault: Fault, device: string): Promise<void> {
    const order = (cmd: string) => simulator.tell(JSON.stringify({ cmd, device }))
    return during(
      fault,
      device,
      () => {
        if (unplugged.has(device)) return false
        unplugged.add(device)
        order('unplug')
        return true
      },
      () => {
        order('plug')
        unplugged.delete(device)
      },
    )
  }

  /** On three lines at once. No two pieces for a device have the same length, by which it is known again. */
  function spoil(fault: Fault): Promise<void> {
    return during(
      fault,
      'lines',
      () => {
        for (let k = 0; k < 3; k++) {
          const { device } = devices[(fault.target + 7 * k) % devices.length]!
          const lengths = garbage.get(device) ?? []
          garbage.set(device, lengths)
          lengths.push(40 + lengths.length)
          simulator.tell(JSON.stringify({ cmd: 'garbage', device, bytes: lengths.at(-1) }))
        }
        return true
      },
      () => {},
    )
  }

  function freeze(fault: Fault): Promise<void> {
    let socket: Socket | undefined
    return during(
      fault,
      'broker',
      async () => {
        if (!broker.isUp()) return false
        const to = { port: installation.brokerPort, ...installation.watcher, clientId: `frozen-${++frozen}`, filter: 'spBv1.0/#' }
        socket = await freezeSubscriber(to).catch(() => undefined)
        return socket !== undefined
      },
      () => socket!.destroy(),
    )
  }
}

/** What this machine, or this installation, cannot suffer. */
function leftOut({ shared }: Installation): Faults['left'] {
  if (!shared) return []
  const { store } = shared
  if (!store) return storeFaults.map((kind) => ({ kind, why: 'the embedded store has no process of its own' }))
  return store.disk ? [] : [{ kind: 'store disk full', why: store.whyNoDisk! }]
}

const storeFaults = standingKinds.filter((kind) => kind.includes('store'))
