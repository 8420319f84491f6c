/**
 * The processes that use one log, known by their heartbeats (membership.ts). Nothing that Millrace promises rests
 * on this being right. Two processes may work on one partition, a zombie among them: they make the same outputs, and readers
 * ignore the repeats. Membership only decides who works. The one exception is what two must not do at once, such as sending
 * notifications: there a heartbeat that comes back is a lease.
 */
import { ownValue } from '@millrace/platform'
import type { Heartbeats } from '../log/index.ts'
import { type MembersContext, Membership, type MembersOptions } from './membership.ts'

export interface Members {
  readonly self: string
  /** False for the first moments, while this process only listens. */
  isSettled(): boolean
  /** Members with that role that can work, this one included when it has it. */
  live(role: string): string[]
  /** Whether the heartbeat of another live member names the assignment. */
  isHeldElsewhere(assignment: string): boolean
  /** Whether a heartbeat that this process sent since that monotonic time, naming the assignment, has come back: all others receive it in the same order. */
  hasSaid(assignment: string, sinceMs: number): boolean
  /** The worst of all live members, role by role, added up over `roles`. */
  lagMs(roles: string[]): number
  /** False when the others may have taken this process for dead and do its work. What must not be done twice waits. */
  isLeaseHeld(): boolean
  /** True when the lease expired so long ago that the heartbeats of the process that took over may be gone from the topic. */
  isLost(): boolean
  /** Whether an exclusive assignment may be taken: every process that may still hold a lease is known to this one. */
  mayTakeAlone(): boolean
  /** Called after any heartbeat or departure. */
  onChange(listener: () => void): void
  /** Sends a heartbeat at once with the assignments that this process holds or claims. */
  announce(): void
  /** This process takes no further assignments and announces that: the others take each one as soon as it has stopped here. */
  withdraw(): void
  /** Announces that it leaves, so that the others need not wait; but not while it still works on an assignment. */
  close(): Promise<void>
}

/** `heartbeats` undefined: this process is alone. */
export function joinMembers(heartbeats: Heartbeats | undefined, options: MembersOptions, context: MembersContext): Members {
  return heartbeats ? joinOthers(heartbeats, options, context) : alone(options)
}

function alone({ id, roles, lagMs }: MembersOptions): Members {
  return {
    self: id,
    isSettled: () => true,
    live: (role) => (roles.includes(role) ? [id] : []),
    isHeldElsewhere: () => false,
    hasSaid: () => true,
    lagMs: (wanted) => worstOf([lagMs()], wanted),
    isLeaseHeld: () => true,
    isLost: () => false,
    mayTakeAlone: () => true,
    onChange: () => {},
    announce: () => {},
    withdraw: () => {},
    close: async () => {},
  }
}

function joinOthers(heartbeats: Heartbeats, options: MembersOptions, context: MembersContext): Members {
  const membership = new Membership(heartbeats, options, context)
  membership.start()
  return {
    self: options.id,
    isSettled: () => membership.isSettled(),
    live: (role) => membership.live(role),
    isHeldElsewhere: (assignment) => membership.isHeldElsewhere(assignment),
    hasSaid: (assignment, sinceMs) => membership.hasSaid(assignment, sinceMs),
    lagMs: (wanted) => worstOf(membership.lags(), wanted),
    isLeaseHeld: () => membership.isLeaseHeld(),
    isLost: () => membership.isLost(),
    mayTakeAlone: () => membership.mayTakeAlone(),
    onChange: (listener) => membership.onChange(listener),
    announce: () => membership.announce(),
    withdraw: () => membership.withdraw(),
    close: () => membership.close(),
  }
}

function worstOf(lags: Record<string, number>[], roles: string[]): number {
  return roles.reduce((sum, role) => sum + Math.max(0, ...lags.map((lag) => ownValue(lag, role) ?? 0)), 0)
}
