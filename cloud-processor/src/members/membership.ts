/**
 * One process's view of the members, by their heartbeats: twice a second each sends its name, roles, what it works
 * on and how far behind it is. A member without a heartbeat for `aliveMs` is gone, whatever the reason; sooner when another
 * process has locked the data folder that it had locked.
 *
 * All see the heartbeats in one order. A process that reads its own heartbeat back holds a lease for `aliveMs` from its sending. A process
 * takes an assignment that two must not hold when it
 *
 * - has read its own heartbeats back for `aliveMs` without a break, and one more after any member fell silent: by then every process that may still hold a lease was received;
 * - has read its own claim back and no claim of another before it: a later claimant reads this claim first.
 *
 * Without a lease it has no effect. It stops the assignment when another process claims it: before it holds a lease again it has
 * read all heartbeats in between. When Kafka may have dropped some of them it stops the assignment at once.
 */
import { type Clock, type Counter, every, type Log as Logger, type Metrics } from '@millrace/platform'
import type { Heartbeats } from '../log/index.ts'
import { decodeHeartbeat, encodeHeartbeat, type Heartbeat, type Place } from './heartbeat.ts'

const heartbeatMs = 500
/** A member without a heartbeat for this long is gone. */
const aliveMs = 3000
/** A newcomer listens first: by then it has received a heartbeat of every member. */
const listenMs = 3 * heartbeatMs
/** A process that does not receive its own heartbeats for this long does not receive those of the others either, and considers none of them gone. */
const echoMsMax = 3 * heartbeatMs
/** Well before the topic of heartbeats is trimmed. */
const lostMs = 60_000
/** Between two checks. When a check is this late the process was held up, and heartbeats are still unread. */
const checkMs = 250
const stalledMs = 1000
/** Changes within this time are announced in one heartbeat. */
const announceMs = 20
/** Heartbeats that may come back yet. */
const sentMax = 100

export interface MembersOptions {
  id: string
  roles: readonly string[]
  /** Absent: none that is locked. */
  place?: Place | undefined
  /** Names of the assignments that this process works on now. */
  holds(): string[]
  /** Age of what its stages have not yet seen, the worst of each role. */
  lagMs(): Record<string, number>
}

export interface MembersContext {
  clock: Clock
  logger: Logger
  metrics: Metrics
}

/** Whether the one locked the data folder after the other had it. */
function isSuccessor({ place: later }: Heartbeat, { place: earlier }: Heartbeat): boolean {
  return later !== undefined && later.id === earlier?.id && later.sinceMs > earlier.sinceMs
}

export class Membership {
  readonly #heartbeats: Heartbeats
  readonly #options: MembersOptions
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #changes: Counter
  readonly #startedMs: number
  readonly #listeners: (() => void)[] = []
  readonly #heard = new Map<string, { heartbeat: Heartbeat; atMs: number }>()
  /** Number of the newest heartbeat of each process. */
  readonly #newest = new Map<string, number>()
  /** Send times of this process's heartbeats that have not come back. */
  readonly #sentMs = new Map<number, number>()
  #n = 0
  /** Send time of the newest heartbeat that came back, and of the first since the lease was last held without a break. */
  #echoedMs = Number.NEGATIVE_INFINITY
  #leaseFromMs = Number.NEGATIVE_INFINITY
  #fellSilentMs = Number.NEGATIVE_INFINITY
  #checkedMs: number
  #isClosed = false
  #isWithdrawn = false
  #isAnnouncing = false
  #wasReady = false
  #stopSending = () => {}
  #stopChecking = () => {}
  #stopListening = () => {}

  constructor(heartbeats: Heartbeats, options: MembersOptions, { clock, logger, metrics }: MembersContext) {
    this.#heartbeats = heartbeats
    this.#options = options
    this.#clock = clock
    this.#logger = logger
    this.#startedMs = this.#checkedMs = clock.monotonic()
    this.#changes = metrics.counter(
      'millrace_members_changes_total',
      'Processes that came to or went from the log, as this one saw it',
    )
    metrics.gauge('millrace_members', 'Processes on the log that this one hears, itself included', () => this.#heard.size)
  }

  start(): void {
    this.#stopListening = this.#heartbeats.onHeartbeat((bytes) => this.#hear(bytes))
    this.#stopSending = every(this.#clock, heartbeatMs, () => this.#sendHeartbeat())
    this.#stopChecking = every(this.#clock, checkMs, () => this.#check())
    this.#sendHeartbeat()
  }

  // ---- what is known of the members

  isSettled(): boolean {
    return this.#clock.monotonic() - this.#startedMs >= listenMs && this.#heard.has(this.#options.id)
  }

  isLeaseHeld(): boolean {
    return this.#clock.monotonic() - this.#echoedMs < aliveMs
  }

  isLost(): boolean {
    return this.#clock.monotonic() - this.#echoedMs > lostMs
  }

  mayTakeAlone(): boolean {
    return this.isLeaseHeld() && this.#echoedMs - this.#leaseFromMs >= aliveMs && this.#echoedMs > this.#fellSilentMs
  }

  live(role: string): string[] {
    return [...this.#heard.values()]
      .filter(({ heartbeat }) => !heartbeat.joining && heartbeat.roles.includes(role))
      .map(({ heartbeat }) => heartbeat.id)
      .sort()
  }

  isHeldElsewhere(assignment: string): boolean {
    return this.#others().some(({ holds }) => holds.includes(assignment))
  }

  hasSaid(assignment: string, sinceMs: number): boolean {
    const own = this.#heard.get(this.#options.id)
    return this.#echoedMs >= sinceMs && (own?.heartbeat.holds.includes(assignment) ?? false)
  }

  lags(): Record<string, number>[] {
    const { id, lagMs } = this.#options
    return [...this.#heard.values()].map(({ heartbeat }) => (heartbeat.id === id ? lagMs() : heartbeat.lagMs))
  }

  #others(): Heartbeat[] {
    return [...this.#heard.values()].map(({ heartbeat }) => heartbeat).filter(({ id }) => id !== this.#options.id)
  }

  // ---- hearing

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  #hear(bytes: Uint8Array): void {
    const heartbeat = decodeHeartbeat(bytes)
    // A heartbeat may arrive late: a newer one of the same process counts.
    if (!heartbeat || heartbeat.n <= (this.#newest.get(heartbeat.id) ?? 0)) return
    const { id, n, leaving } = heartbeat
    const isLast = leaving || this.#hasSuccessor(heartbeat)
    this.#newest.set(id, isLast ? Number.POSITIVE_INFINITY : n)
    if (id === this.#options.id) this.#hearOwn(n)
    if (isLast) this.#remove(id, 'it left')
    else {
      if (!this.#heard.has(id)) this.#hearNew(heartbeat)
      this.#heard.set(id, { heartbeat, atMs: this.#clock.monotonic() })
    }
    this.#tell()
  }

  #hearNew(heartbeat: Heartbeat): void {
    for (const { id } of this.#others().filter((other) => isSuccessor(heartbeat, other))) {
      this.#newest.set(id, Number.POSITIVE_INFINITY)
      this.#removeEnded(id, 'it was started again')
    }
    this.#countArrival(heartbeat.id)
  }

  #hasSuccessor(heartbeat: Heartbeat): boolean {
    return [...this.#heard.values()].some((other) => isSuccessor(other.heartbeat, heartbeat))
  }

  #hearOwn(n: number): void {
    const sentMs = this.#sentMs.get(n)
    if (sentMs !== undefined) {
      if (!this.isLeaseHeld()) this.#leaseFromMs = sentMs
      this.#echoedMs = Math.max(this.#echoedMs, sentMs)
    }
    for (const sent of this.#sentMs.keys()) if (sent <= n) this.#sentMs.delete(sent)
  }

  #countArrival(member: string): void {
    this.#changes.add({ what: 'came' })
    if (member !== this.#options.id) this.#logger.info('a processor came', { member })
  }

  #remove(member: string, why: string): void {
    if (!this.#heard.delete(member)) return
    this.#changes.add({ what: 'went' })
    this.#logger.info('a processor went', { member, why })
  }

  #check(): void {
    const nowMs = this.#clock.monotonic()
    const isEchoOverdue = nowMs - this.#checkedMs > stalledMs || nowMs - this.#echoedMs > echoMsMax
    this.#checkedMs = nowMs
    for (const [member, one] of this.#heard) {
      if (isEchoOverdue) one.atMs = nowMs
      else if (nowMs - one.atMs > aliveMs) this.#removeEnded(member, `not heard for ${aliveMs} ms`)
    }
    this.#tell()
  }

  #removeEnded(member: string, why: string): void {
    this.#fellSilentMs = this.#clock.monotonic()
    // Its assignments are taken only after another heartbeat of this process has come back.
    this.announce()
    this.#remove(member, why)
  }

  #tell(): void {
    if (!this.#isClosed) for (const listener of this.#listeners) listener()
  }

  // ---- speaking

  #sendHeartbeat(): void {
    this.#post().catch((error) => this.#logger.warn('this processor could not send its heartbeat', { error }))
  }

  async #post(leaving?: true): Promise<void> {
    const { id, place, roles, holds, lagMs } = this.#options
    const n = ++this.#n
    const heartbeat: Heartbeat = {
      id,
      ...(place ? { place } : {}),
      n,
      roles: this.#isWithdrawn ? [] : [...roles],
      holds: holds(),
      lagMs: lagMs(),
      ...(this.#isReady() ? {} : { joining: true }),
      ...(leaving ? { leaving } : {}),
    }
    this.#sentMs.set(n, this.#clock.monotonic())
    if (this.#sentMs.size > sentMax) this.#sentMs.delete(this.#sentMs.keys().next().value!)
    await this.#heartbeats.post(encodeHeartbeat(heartbeat))
  }

  /** Stays true once no other process is ready, or this one may take over every assignment. */
  #isReady(): boolean {
    this.#wasReady ||= this.isSettled() && (this.mayTakeAlone() || this.#others().every(({ joining }) => joining))
    return this.#wasReady
  }

  announce(): void {
    if (this.#isAnnouncing) return
    this.#isAnnouncing = true
    this.#clock.after(announceMs, () => {
      this.#isAnnouncing = false
      if (!this.#isClosed) this.#sendHeartbeat()
    })
  }

  withdraw(): void {
    this.#isWithdrawn = true
    this.announce()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#stopSending()
    this.#stopChecking()
    // A process that still works on something just stops sending: the others wait until its lease has expired.
    if (this.#options.holds().length === 0) await this.#post(true).catch(() => {})
    this.#stopListening()
  }
}
