/**
 * One process's view of the members, by their heartbeats: twice a second each says its name, roles, what it works
 * on and how far behind it is. One that was not heard for `aliveMs` is gone, whatever the reason.
 *
 * All see the heartbeats in one order. A process that reads its own heartbeat back holds a lease for `aliveMs` from its sending. A process
 * takes an assignment that two must not hold when it
 *
 * - has heard itself for `aliveMs` without a break, and once more after anybody fell silent: whoever could still be sure was heard;
 * - has heard itself claim it, and nobody else before: whoever claims it later hears that first.
 *
 * While it is not sure it does nothing with it. It lets go when it hears that another one claims it: before it is sure again it has
 * heard all that was said in between. After so long that Kafka may have dropped some it lets go at once.
 */
import { type Clock, type Counter, every, type Log as Logger, type Metrics } from '@millrace/platform'
import type { Heartbeats } from '../log/index.ts'
import { decodeHeartbeat, encodeHeartbeat, type Heartbeat } from './heartbeat.ts'

const heartbeatMs = 500
/** A member that was not heard for this long is gone. */
const aliveMs = 3000
/** A newcomer listens first: by then it has heard everybody. */
const listenMs = 3 * heartbeatMs
/** Who does not hear itself for this long hears nothing of the others either, and takes none of them for gone. */
const echoMsMax = 3 * heartbeatMs
/** Well before the topic of heartbeats is trimmed. */
const lostMs = 60_000
/** Between two checks. One that comes this much late was not run: what the others said in between is still to be read. */
const checkMs = 250
const stalledMs = 1000
/** What changes in this time is told in one heartbeat. */
const announceMs = 20
/** Heartbeats that may come back yet. */
const sentMax = 100

export interface MembersOptions {
  id: string
  roles: readonly string[]
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

export class Membership {
  readonly #heartbeats: Heartbeats
  readonly #options: MembersOptions
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #changes: Counter
  readonly #startedMs: number
  readonly #listeners: (() => void)[] = []
  readonly #heard = new Map<string, { heartbeat: Heartbeat; atMs: number }>()
  /** Number of the newest heartbeat of each process ever heard. */
  readonly #newest = new Map<string, number>()
  /** When those of this process were sent that have not come back. */
  readonly #sentMs = new Map<number, number>()
  #n = 0
  /** When the newest heartbeat that came back was sent, and the first of those that came back without a break. */
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
    // A heartbeat may come late: what its writer said since then counts.
    if (!heartbeat || heartbeat.n <= (this.#newest.get(heartbeat.id) ?? 0)) return
    const { id, n, leaving } = heartbeat
    this.#newest.set(id, leaving ? Number.POSITIVE_INFINITY : n)
    if (id === this.#options.id) this.#hearOwn(n)
    if (leaving) this.#remove(id, 'it left')
    else {
      if (!this.#heard.has(id)) this.#countArrival(id)
      this.#heard.set(id, { heartbeat, atMs: this.#clock.monotonic() })
    }
    this.#tell()
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
      else if (nowMs - one.atMs > aliveMs) {
        this.#fellSilentMs = nowMs
        // Nothing is taken from it before this process has heard itself again.
        this.announce()
        this.#remove(member, `not heard for ${aliveMs} ms`)
      }
    }
    this.#tell()
  }

  #tell(): void {
    if (!this.#isClosed) for (const listener of this.#listeners) listener()
  }

  // ---- speaking

  #sendHeartbeat(): void {
    this.#post().catch((error) => this.#logger.warn('this processor could not tell the others that it lives', { error }))
  }

  async #post(leaving?: true): Promise<void> {
    const { id, roles, holds, lagMs } = this.#options
    const n = ++this.#n
    const heartbeat: Heartbeat = {
      id,
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

  /** For good, once nobody works in its place, or it may take over whatever there is. */
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
    // One that still works on something falls silent instead: the others wait until it must have ended.
    if (this.#options.holds().length === 0) await this.#post(true).catch(() => {})
    this.#stopListening()
  }
}
