/**
 * Starts and stops what this process works on, as members come and go. An assignment is one partition of one role (`prepare/3`),
 * or a whole role that one member has at a time (`lead`). Its new owner begins when the old one reports that it has stopped, with
 * its last snapshot written. For an owner that does not answer it waits only for a bounded time.
 */
import type { Clock } from '@millrace/platform'
import type { Progress } from '../stage/index.ts'
import type { Members } from './members.ts'
import { ownersOf } from './owners.ts'

export interface Run {
  stop(): Promise<void>
  progress?(): Progress
  /** Rejects when it cannot go on. */
  failed?: Promise<never>
}

export interface Role {
  name: string
  /** Members with this role divide its partitions; by default the members with the role of the same name. */
  among?: string
  partitions: number
  start(partition: number): Run
  /** At most one process may work on such a partition: it starts when the owner before said that it has stopped, or when its lease has expired. The run asks `isLeaseHeld` before each effect, because it is not stopped at the moment the lease expires. */
  isExclusive?: boolean
}

export interface Assignments {
  /** Names of those that this process works on, or claims. */
  held(): string[]
  progress(): Progress[]
  failed: Promise<never>
  /** Works on this process's part of the roles, from now on. */
  follow(members: Members, roles: Role[]): void
  /** The others take each assignment as soon as this process has stopped it, without waiting for the slowest. */
  stop(): Promise<void>
}

/** How long to wait for a live owner to stop an assignment that two processes may work on. */
const handOverMs = 5000

export function keepAssignments(clock: Clock): Assignments {
  const assignments = new HeldAssignments(clock)
  return {
    held: () => assignments.names(),
    progress: () => assignments.progress(),
    failed: assignments.failed,
    follow: (members, roles) => assignments.follow(members, roles),
    stop: () => assignments.stop(),
  }
}

class HeldAssignments {
  readonly failed: Promise<never>
  readonly #clock: Clock
  readonly #fail: (error: unknown) => void
  readonly #held = new Map<string, { run: Run; stopping?: Promise<void> }>()
  /** Exclusive assignments that were announced and not yet started, and since when. */
  readonly #claimedMs = new Map<string, number>()
  readonly #wantedMs = new Map<string, number>()
  #members: Members | undefined
  #isStopped = false

  constructor(clock: Clock) {
    const { promise, reject } = Promise.withResolvers<never>()
    promise.catch(() => {})
    this.#clock = clock
    this.failed = promise
    this.#fail = reject
  }

  names(): string[] {
    return [...this.#held.keys(), ...this.#claimedMs.keys()]
  }

  progress(): Progress[] {
    return [...this.#held.values()].flatMap(({ run }) => run.progress?.() ?? [])
  }

  follow(members: Members, roles: Role[]): void {
    this.#members = members
    members.onChange(() => this.#look(members, roles))
    this.#look(members, roles)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#claimedMs.clear()
    this.#members?.withdraw()
    for (const name of this.#held.keys()) this.#letGo(name)
    await Promise.all([...this.#held.values()].map(({ stopping }) => stopping))
  }

  #look(members: Members, roles: Role[]): void {
    if (this.#isStopped || !members.isSettled()) return
    for (const role of roles) {
      const owners = ownersOf(role.name, role.partitions, members.live(role.among ?? role.name))
      for (const [partition, owner] of owners.entries()) {
        const name = `${role.name}/${partition}`
        if (owner !== members.self || this.#isLost(role, name, members)) this.#letGo(name)
        else if (!this.#held.has(name)) this.#take(role, partition, members)
      }
    }
  }

  #isLost(role: Role, name: string, members: Members): boolean {
    return role.isExclusive === true && this.#held.has(name) && (members.isLost() || members.isHeldElsewhere(name))
  }

  #take(role: Role, partition: number, members: Members): void {
    const name = `${role.name}/${partition}`
    const nowMs = this.#clock.monotonic()
    const sinceMs = this.#wantedMs.get(name) ?? nowMs
    this.#wantedMs.set(name, sinceMs)
    const mustWait = members.isHeldElsewhere(name) && (role.isExclusive || nowMs - sinceMs < handOverMs)
    if (mustWait || (role.isExclusive && !this.#claim(name, members))) return
    this.#claimedMs.delete(name)
    this.#wantedMs.delete(name)
    const run = role.start(partition)
    this.#held.set(name, { run })
    run.failed?.catch(this.#fail)
  }

  /** True when all members have received the claim. */
  #claim(name: string, members: Members): boolean {
    if (!members.mayTakeAlone()) {
      this.#claimedMs.delete(name)
      return false
    }
    const sinceMs = this.#claimedMs.get(name) ?? this.#clock.monotonic()
    const isNew = !this.#claimedMs.has(name)
    this.#claimedMs.set(name, sinceMs)
    if (isNew) members.announce()
    // A process that is alone has already received its own claim, and no heartbeat would call this again.
    return members.hasSaid(name, sinceMs)
  }

  #letGo(name: string): void {
    this.#wantedMs.delete(name)
    this.#claimedMs.delete(name)
    const assignment = this.#held.get(name)
    if (!assignment || assignment.stopping) return
    assignment.stopping = assignment.run.stop().finally(() => {
      this.#held.delete(name)
      if (this.#isStopped) this.#members?.announce()
    })
  }
}
