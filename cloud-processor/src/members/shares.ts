/**
 * Starts and stops what this process works on, as members come and go. A share is one partition of one role (`prepare/3`),
 * or a whole role that one member has at a time (`lead`). Its new owner begins when the old one says that it has let go, with
 * its last snapshot written; a silent one is waited for only so long.
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
  /** Members with this role share it; by default those with the role of its own name. */
  among?: string
  partitions: number
  start(partition: number): Run
  /** What two must not do at once waits until the other says that it has let go, or is gone and knows it. The run asks `isSure` before whatever it does: it is not stopped in the moment that this is lost. */
  isExclusive?: boolean
}

export interface Shares {
  /** Names of those that this process works on, or claims. */
  held(): string[]
  progress(): Progress[]
  failed: Promise<never>
  /** Works on this process's part of the roles, from now on. */
  follow(members: Members, roles: Role[]): void
  /** The others take each share as soon as this process lets go of it, and need not wait for the slowest. */
  stop(): Promise<void>
}

/** A live owner that does not let go of a share that two may work on is waited for no longer. */
const handOverMs = 5000

function shareNameOf(role: string, partition: number): string {
  return `${role}/${partition}`
}

export function keepShares(clock: Clock): Shares {
  const held = new Map<string, { run: Run; stopping?: Promise<void> }>()
  /** Exclusive ones that the others are being told of first, and since when. */
  const claimed = new Map<string, number>()
  const wantedSince = new Map<string, number>()
  let fail: (error: unknown) => void
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => {})
  let isStopped = false
  let followed: Members | undefined

  function look(members: Members, roles: Role[]): void {
    if (isStopped || !members.isSettled()) return
    for (const role of roles) {
      const owners = ownersOf(role.name, role.partitions, members.live(role.among ?? role.name))
      owners.forEach((owner, partition) => {
        const name = shareNameOf(role.name, partition)
        const isLost = role.isExclusive && held.has(name) && (members.isLost() || members.isHeldElsewhere(name))
        if (owner !== members.self || isLost) letGo(name)
        else if (!held.has(name)) take(role, partition, name, members)
      })
    }
  }

  function take(role: Role, partition: number, name: string, members: Members): void {
    const sinceMs = wantedSince.get(name) ?? clock.monotonic()
    wantedSince.set(name, sinceMs)
    const mustWait = members.isHeldElsewhere(name) && (role.isExclusive || clock.monotonic() - sinceMs < handOverMs)
    if (mustWait) return
    if (role.isExclusive && !claim(name, members)) return
    claimed.delete(name)
    wantedSince.delete(name)
    const run = role.start(partition)
    held.set(name, { run })
    run.failed?.catch((error) => fail(error))
  }

  function claim(name: string, members: Members): boolean {
    if (!members.mayTakeAlone()) {
      claimed.delete(name)
      return false
    }
    const sinceMs = claimed.get(name) ?? clock.monotonic()
    claimed.set(name, sinceMs)
    return members.hasSaid(name, sinceMs)
  }

  function letGo(name: string): void {
    wantedSince.delete(name)
    claimed.delete(name)
    const share = held.get(name)
    if (!share || share.stopping) return
    share.stopping = share.run.stop().finally(() => {
      held.delete(name)
      if (isStopped) followed?.withdraw()
    })
  }

  return {
    held: () => [...held.keys(), ...claimed.keys()],
    progress: () => [...held.values()].flatMap(({ run }) => run.progress?.() ?? []),
    failed,
    follow(members, roles) {
      followed = members
      members.onChange(() => look(members, roles))
      look(members, roles)
    },
    async stop() {
      isStopped = true
      claimed.clear()
      followed?.withdraw()
      for (const name of held.keys()) letGo(name)
      await Promise.all([...held.values()].map(({ stopping }) => stopping))
    },
  }
}
