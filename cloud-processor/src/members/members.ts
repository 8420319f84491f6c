/**
 * The processes that share one log, known by their beats on its board: twice a second each says its name, roles, what it
 * works on and how far behind it is. One that was not heard for `aliveMs` is gone, whatever the reason.
 *
 * Nothing that Millrace promises rests on this being right. Two processes may work on one partition, a zombie among them:
 * they make the same outputs, and readers silence the repeats. Membership only decides who works.
 *
 * The one exception is what two must not do at once, such as sending notifications. Notes are in one order, and a beat that
 * comes back is a lease: its sender is sure for `aliveMs` from its sending. A process takes such a share when it
 *
 * - has heard itself for `aliveMs` without a break, and once more after anybody fell silent: whoever could still be sure was heard;
 * - has heard itself claim it, and nobody else before: whoever claims it later hears that first.
 *
 * While it is not sure it does nothing with it. It lets go when it hears that another one claims it: before it is sure again it has
 * heard all that was said meanwhile. After so long that the board may have forgotten some it lets go at once.
 */
import { type Clock, every, type Log as Logger, type Metrics } from '@millrace/platform'
import type { Board } from '../log/index.ts'

const beatMs = 500
/** A member that was not heard for this long is gone. */
const aliveMs = 3000
/** A newcomer listens first: by then it has heard everybody. */
const listenMs = 3 * beatMs
/** Who does not hear itself for this long hears nothing of the others either, and takes none of them for gone. */
const deafMs = 3 * beatMs
/** Well before the board forgets. */
const lostMs = 60_000
/** Between two checks. One that comes this much late was not run: what the others said meanwhile is still to be read. */
const checkMs = 250
const stalledMs = 1000
/** What a process that ends lets go of in this time it tells in one beat. */
const tellMs = 20

interface Beat {
  id: string
  n: number
  roles: string[]
  holds: string[]
  lagMs: Record<string, number>
  /** It takes part, but only listens as yet: the others keep what they have until it can take its share at once. */
  joining?: true
  leaving?: true
}

export interface MembersOptions {
  id: string
  roles: readonly string[]
  /** Names of the shares that this process works on now. */
  holds(): string[]
  /** Age of what its stages have not yet seen, the worst of each role. */
  lagMs(): Record<string, number>
}

export interface Members {
  readonly self: string
  /** False for the first moments, while this process only listens. */
  isSettled(): boolean
  /** Members with that role that can work, this one included when it has it. */
  live(role: string): string[]
  /** Whether another live member says that it works on the share. */
  isHeldElsewhere(share: string): boolean
  /** Whether this process has heard itself say, since that monotonic time, that it works on the share: all others hear it in the same place. */
  hasSaid(share: string, sinceMs: number): boolean
  /** The worst of all live members, role by role, added up over `roles`. */
  lagMs(roles: string[]): number
  /** False when the others may have taken this process for dead and do its work. What must not be done twice waits. */
  isSure(): boolean
  /** True when this process was not sure for so long that it may not hear any more who took its place. */
  isLost(): boolean
  /** Whether a share that two must not hold may be taken: nobody whom this process has not heard, or hears no more, can be sure of it. */
  mayTakeAlone(): boolean
  /** Called after any beat or departure. */
  onChange(listener: () => void): void
  /** Tells the others that this process takes no more work: each share is theirs as soon as it lets go of it. Again when it has. */
  withdraw(): void
  /** Says goodbye, so that nobody waits; but not while it still works on a share. */
  close(): Promise<void>
}

/** `board` undefined: this process is alone. */
export function joinMembers(
  board: Board | undefined,
  options: MembersOptions,
  around: { clock: Clock; logger: Logger; metrics: Metrics },
): Members {
  return board ? joinBoard(board, options, around) : alone(options)
}

function alone({ id, roles, lagMs }: MembersOptions): Members {
  return {
    self: id,
    isSettled: () => true,
    live: (role) => (roles.includes(role) ? [id] : []),
    isHeldElsewhere: () => false,
    hasSaid: () => true,
    lagMs: (wanted) => total([lagMs()], wanted),
    isSure: () => true,
    isLost: () => false,
    mayTakeAlone: () => true,
    onChange: () => {},
    withdraw: () => {},
    close: async () => {},
  }
}

function joinBoard(
  board: Board,
  options: MembersOptions,
  { clock, logger, metrics }: { clock: Clock; logger: Logger; metrics: Metrics },
): Members {
  const { id, roles } = options
  const startedMs = clock.monotonic()
  const heard = new Map<string, { beat: Beat; atMs: number }>()
  const sentMs = new Map<number, number>()
  const listeners: (() => void)[] = []
  const changes = metrics.counter(
    'millrace_members_changes_total',
    'Processes that came to or went from the log, as this one saw it',
  )
  metrics.gauge('millrace_members', 'Processes on the log that this one hears, itself included', () => heard.size)
  let n = 0
  /** When the newest beat that came back was sent, and the first of those that came back without a break. */
  let echoedMs = Number.NEGATIVE_INFINITY
  let sureFromMs = Number.NEGATIVE_INFINITY
  let fellSilentMs = Number.NEGATIVE_INFINITY
  /** Number of the newest beat of each process ever heard. */
  const newest = new Map<string, number>()
  let checkedMs = startedMs
  let isClosed = false
  let isWithdrawn = false
  let isTelling = false
  let wasReady = false

  function hear(note: Uint8Array): void {
    const beat = readBeat(note)
    // A note may come late: what its writer said since then counts.
    if (!beat || beat.n <= (newest.get(beat.id) ?? 0)) return
    newest.set(beat.id, beat.leaving ? Number.POSITIVE_INFINITY : beat.n)
    if (beat.id === id) echo(beat)
    if (beat.leaving) leave(beat.id, 'it left')
    else {
      if (!heard.has(beat.id)) say(beat.id, 'came')
      heard.set(beat.id, { beat, atMs: clock.monotonic() })
    }
    tell()
  }

  function echo(beat: Beat): void {
    const sent = sentMs.get(beat.n)
    if (sent !== undefined) {
      if (!isSure()) sureFromMs = sent
      echoedMs = Math.max(echoedMs, sent)
    }
    for (const n of sentMs.keys()) if (n <= beat.n) sentMs.delete(n)
  }

  const isSure = () => clock.monotonic() - echoedMs < aliveMs
  const isSettled = () => clock.monotonic() - startedMs >= listenMs && heard.has(id)
  const mayTakeAlone = () => isSure() && echoedMs - sureFromMs >= aliveMs && echoedMs > fellSilentMs
  const isLost = () => clock.monotonic() - echoedMs > lostMs

  function say(member: string, what: string): void {
    changes.add({ what })
    if (member !== id) logger.info(`a processor ${what}`, { member })
  }

  function leave(member: string, why: string): void {
    if (!heard.delete(member)) return
    changes.add({ what: 'went' })
    logger.info('a processor went', { member, why })
  }

  function check(): void {
    const nowMs = clock.monotonic()
    const isDeaf = nowMs - checkedMs > stalledMs || nowMs - echoedMs > deafMs
    checkedMs = nowMs
    for (const [member, one] of heard) {
      if (isDeaf) one.atMs = nowMs
      else if (nowMs - one.atMs > aliveMs) {
        fellSilentMs = nowMs
        leave(member, `not heard for ${aliveMs} ms`)
      }
    }
    tell()
  }

  function tell(): void {
    if (!isClosed) for (const listener of listeners) listener()
  }

  /** For good, once nobody works in its place, or it may take over whatever there is. */
  function isReady(): boolean {
    wasReady ||= isSettled() && (mayTakeAlone() || ![...heard.values()].some((one) => one.beat.id !== id && !one.beat.joining))
    return wasReady
  }

  async function beat(leaving?: true): Promise<void> {
    const said: Beat = {
      id,
      n: ++n,
      roles: isWithdrawn ? [] : [...roles],
      holds: options.holds(),
      lagMs: options.lagMs(),
      ...(isReady() ? {} : { joining: true }),
      ...(leaving ? { leaving } : {}),
    }
    sentMs.set(n, clock.monotonic())
    if (sentMs.size > 100) sentMs.delete(sentMs.keys().next().value!)
    await board.post(Buffer.from(JSON.stringify(said)))
  }

  const beatOn = () =>
    void beat().catch((error) => logger.warn('this processor could not tell the others that it lives', { error }))
  const stopListening = board.onNote(hear)
  const stopBeats = every(clock, beatMs, beatOn)
  const stopChecks = every(clock, checkMs, check)
  beatOn()

  return {
    self: id,
    isSettled,
    live: (role) =>
      [...heard.values()]
        .filter((one) => !one.beat.joining && one.beat.roles.includes(role))
        .map((one) => one.beat.id)
        .sort(),
    isHeldElsewhere: (share) => [...heard.values()].some(({ beat }) => beat.id !== id && beat.holds.includes(share)),
    hasSaid: (share, sinceMs) => echoedMs >= sinceMs && (heard.get(id)?.beat.holds.includes(share) ?? false),
    lagMs: (wanted) =>
      total(
        [...heard.values()].map((one) => (one.beat.id === id ? options.lagMs() : one.beat.lagMs)),
        wanted,
      ),
    isSure,
    isLost,
    mayTakeAlone,
    onChange: (listener) => void listeners.push(listener),
    withdraw() {
      isWithdrawn = true
      if (isTelling) return
      isTelling = true
      clock.after(tellMs, () => {
        isTelling = false
        if (!isClosed) beatOn()
      })
    },
    async close() {
      isClosed = true
      stopBeats()
      stopChecks()
      // One that still works on something falls silent instead: the others wait until it must have ended.
      if (options.holds().length === 0) await beat(true).catch(() => {})
      stopListening()
    },
  }
}

function total(lags: Record<string, number>[], roles: string[]): number {
  return roles.reduce((sum, role) => sum + Math.max(0, ...lags.map((lag) => lag[role] ?? 0)), 0)
}

/** Undefined for what is no beat, such as that of a newer version. */
function readBeat(note: Uint8Array): Beat | undefined {
  try {
    const beat = JSON.parse(Buffer.from(note).toString()) as Beat
    return typeof beat.id === 'string' && Array.isArray(beat.roles) && Array.isArray(beat.holds) ? beat : undefined
  } catch {
    return undefined
  }
}
