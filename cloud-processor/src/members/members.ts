/**
 * The processes that use one log, known by their heartbeats (membership.ts). Nothing that Millrace promises rests
 * on this being right. Two processes may work on one partition, a zombie among them: they make the same outputs, and readers
 * ignore the repeats. Membership only decides who works. The one exception is what two must not do at once, such as sending
 * notifications: there a heartbeat that comes back is a lease.
 */
import type { Heartbeats } from '../log/index.ts'
import { type MembersContext, Membership, type MembersOptions } from './membership.ts'

export interface Members {
  readonly self: string
  /** False for the first moments, while this process only listens. */
  isSettled(): boolean
  /** Members with that role that can work, this one included when it has it. */
  live(role: string): string[]
  /** Whether another live member says that it works on the assignment. */
  isHeldElsewhere(assignment: string): boolean
  /** Whether this process has heard itself say, since that monotonic time, that it works on the assignment: all others hear it in the same place. */
  hasSaid(assignment: string, sinceMs: number): boolean
  /** The worst of all live members, role by role, added up over `roles`. */
  lagMs(roles: string[]): number
  /** False when the others may have taken this process for dead and do its work. What must not be done twice waits. */
  isLeaseHeld(): boolean
  /** True when this process was not sure for so long that it may not hear any more who took its place. */
  isLost(): boolean
  /** Whether an assignment that two must not hold may be taken: nobody whom this process has not heard, or hears no more, can be sure of it. */
  mayTakeAlone(): boolean
  /** Called after any heartbeat or departure. */
  onChange(listener: () => void): void
  /** Tells the others at once, not at the next heartbeat, what this process works on or claims now. */
  announce(): void
  /** This process takes no more work, and says so: each assignment is the others' as soon as it lets go of it. */
  withdraw(): void
  /** Says goodbye, so that nobody waits; but not while it still works on an assignment. */
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
  return roles.reduce((sum, role) => sum + Math.max(0, ...lags.map((lag) => lag[role] ?? 0)), 0)
}
