/**
 * Chooses what is sent next, within the window: live entries first, then what waits to be sent again and the backlog in the
 * order of creation, both marked historical, at a share of the window and within the processor's credit.
 *
 * - **Silence.** When nothing was receipted for several time-outs though something is in flight, the host is gone without a
 *   STATE. Then one entry at a time is a probe, and the first receipt opens the window again.
 * - **Poison.** An entry that was sent `poisonSends` times, or was in flight in `cutsMax` ended connections, while others got
 *   their receipts, is sent with nothing beside it. When that fails twice it is set aside.
 */
import type { Clock, Log, Metrics } from '@millrace/contract/service'
import type { Content, Entry, Lane, Outbox } from '../outbox/index.ts'
import type { Births } from './births.ts'
import { createFlights, type Flight, type Flights } from './flights.ts'
import type { Host } from './host.ts'
import type { UplinkOptions } from './options.ts'
import type { Session } from './session.ts'

export interface Sender {
  readonly flights: Flights
  /** Sends what may be sent. Called whenever that may have changed, and on the uplink's timer. */
  pump(): void
  /** A receipt came, or the host is back. */
  revive(): void
}

export interface SenderAround {
  outbox: Outbox
  births: Births
  host: Host
  options: UplinkOptions
  /** Of the present connection, once born. */
  session(): Session | undefined
  clock: Clock
  log: Log
  metrics: Metrics
  random: () => number
}

/** Entries whose contents are loaded together. */
const loadCount = 64
/** Time-outs without any receipt that make a silence, and how often it is probed. */
const silentTimeOuts = 3
const probeMs = 1000
const passedByMin = 20
const cutsMax = 3
const trialsMax = 3
/** After a sending alone that failed others go on for so many time-outs; live entries hold one up no longer than that. */
const trialTimeOuts = 2.5

export function createSender(around: SenderAround): Sender {
  const { outbox, births, host, options, clock, log, metrics, random } = around
  const flights = createFlights(options, random)
  const trialEveryMs = trialTimeOuts * options.resendMs
  const sent = metrics.counter('millrace_uplink_sent_total', 'Entries sent, by lane; sent again counts again')
  const resent = metrics.counter('millrace_uplink_resent_total', 'Entries sent again')
  const poisoned = metrics.counter('millrace_uplink_set_aside_total', 'Entries that nobody receipted')
  let pumping = false
  let again = false
  let silentSinceMs = Number.POSITIVE_INFINITY
  let probedMs = Number.NEGATIVE_INFINITY
  let trial: Flight | undefined
  let trialMs = Number.NEGATIVE_INFINITY
  let failedMs = Number.NEGATIVE_INFINITY
  return {
    flights,
    pump() {
      again = true
      if (!pumping) void run()
    },
    revive() {
      silentSinceMs = Number.POSITIVE_INFINITY
      probedMs = Number.NEGATIVE_INFINITY
    },
  }

  async function run(): Promise<void> {
    pumping = true
    while (again) {
      again = false
      while (await sendSome()) again = false
    }
    pumping = false
  }

  /** One load's worth of the first lane that has something; false when nothing may be sent. */
  async function sendSome(): Promise<boolean> {
    const session = around.session()
    if (!session?.isBorn || !session.isWritable || host.isOffline) return false
    const nowMs = clock.monotonic()
    noticeSilence(nowMs)
    await judgeTrial()
    const chosen = trial ? [] : (alone(nowMs) ?? probe(nowMs) ?? live() ?? backlog(nowMs))
    if (!chosen || chosen.length === 0) return false
    return send(session, chosen)
  }

  type Chosen = { entry: Entry; lane: Lane }[]

  function live(): Chosen | undefined {
    const { all } = flights.load
    const room = Math.min(loadCount, options.windowBatches - all.count)
    return fit('live', outbox.next('live', room, canSend), options.windowBytes - all.bytes)
  }

  function backlog(nowMs: number): Chosen | undefined {
    const { all, backlog } = flights.load
    const share = Math.max(1, Math.floor(options.windowBatches * options.backlogShare))
    const room = Math.min(loadCount, options.windowBatches - all.count, share - backlog.count)
    const shareBytes = Math.min(options.windowBytes * options.backlogShare, host.creditBytes) - backlog.bytes
    const bytes = Math.min(options.windowBytes - all.bytes, shareBytes)
    if (room <= 0 || bytes <= 0) return undefined
    return fit('backlog', waiting(nowMs, room), bytes, backlog.count === 0)
  }

  /** What was sent before goes first: it is older, and holds the floor down. */
  function waiting(nowMs: number, max: number): Entry[] {
    const due: Entry[] = []
    for (const flight of flights.due(nowMs)) {
      if (!outbox.has(flight.entry)) flights.forget(flight)
      else if (due.length < max && canSend(flight.entry) && !isSuspect(flight)) due.push(flight.entry)
    }
    return due.length >= max ? due : [...due, ...outbox.next('backlog', max - due.length, canSend)]
  }

  /** As many as fit; the first in any case when `atLeastOne`. */
  function fit(lane: Lane, entries: Entry[], bytesMax: number, atLeastOne = false): Chosen | undefined {
    const chosen: Chosen = []
    let bytes = 0
    for (const entry of entries) {
      bytes += wireBytes(entry)
      if (bytes > bytesMax && !(atLeastOne && chosen.length === 0)) break
      chosen.push({ entry, lane })
    }
    return chosen.length > 0 ? chosen : undefined
  }

  function canSend(entry: Entry): boolean {
    if (entry.kind !== 'data') return true
    if (births.isReceipted(entry.declaration) && births.isBorn(entry.device)) return true
    const declaration = outbox.declaration(entry.declaration)
    if (declaration) births.need(declaration)
    return false
  }

  function noticeSilence(nowMs: number): void {
    if (!options.receipts) return
    const since = Math.max(host.receiptMs, 0)
    let oldest = Number.POSITIVE_INFINITY
    for (const { sends, sentMs } of flights.all()) if (sends > 0) oldest = Math.min(oldest, sentMs)
    const isSilent = nowMs - Math.max(since, oldest) > silentTimeOuts * options.resendMs
    if (isSilent) silentSinceMs = Math.min(silentSinceMs, nowMs)
  }

  /** Undefined when a probe is not called for; otherwise the one entry, or none while it is not time. */
  function probe(nowMs: number): Chosen | undefined {
    const isSilent = silentSinceMs < Number.POSITIVE_INFINITY
    // A credit of nothing is told by receipts only: without live data one entry a second asks for the next.
    const isStarved = host.creditBytes === 0 && flights.load.all.count === 0 && nowMs - host.receiptMs > probeMs
    if (!isSilent && !isStarved) return undefined
    const liveNow = isStarved && !isSilent ? live() : undefined
    if (liveNow) return liveNow
    if (nowMs - probedMs < probeMs) return []
    probedMs = nowMs
    if (isSilent) flights.hasten(nowMs)
    const [newest] = outbox.next('live', 1, canSend)
    if (newest) return [{ entry: newest, lane: 'live' }]
    return waiting(nowMs, 1).map((entry) => ({ entry, lane: 'backlog' as const }))
  }

  // ---- poison --------------------------------------------------------------------------------------------------------

  function isSuspect(flight: Flight): boolean {
    if (flight.passedBy < passedByMin) return flight.cuts >= cutsMax
    return flight.sends - flight.held >= options.poisonSends || flight.cuts >= cutsMax
  }

  /**
   * The oldest suspect, once nothing else is in flight; nothing while that is awaited. Undefined when there is no suspect, or
   * live entries go first, which they do not for ever.
   */
  function alone(nowMs: number): Chosen | undefined {
    if (!options.receipts || nowMs - failedMs < trialEveryMs) return undefined
    const suspect = flights.due(nowMs).find((flight) => isSuspect(flight) && outbox.has(flight.entry) && canSend(flight.entry))
    if (!suspect) return undefined
    if (nowMs - trialMs < trialEveryMs && outbox.next('live', 1, canSend).length > 0) return undefined
    if (flights.load.all.count > 0) return []
    trial = suspect
    trialMs = nowMs
    // Not marked historical: a processor that holds the backlog back for now must not make a good batch look like poison.
    return [{ entry: suspect.entry, lane: 'live' }]
  }

  async function judgeTrial(): Promise<void> {
    if (!trial || trial.inFlight) return
    const { entry } = trial
    const failed = trial
    trial = undefined
    if (![...flights.all()].includes(failed)) return
    failed.trials++
    failedMs = clock.monotonic()
    if (failed.trials < trialsMax || failed.passedBy < passedByMin) return
    await setAside(entry, `no receipt after ${failed.sends} sendings, the last ones alone`)
  }

  async function setAside(entry: Entry, detail: string): Promise<void> {
    poisoned.add()
    log.error('an entry of the outbox was set aside', {
      stream: entry.stream,
      number: entry.number,
      device: entry.device,
      detail,
    })
    for (const flight of flights.all()) if (flight.entry === entry) flights.forget(flight)
    await outbox.setAside(entry)
  }

  // ---- sending -------------------------------------------------------------------------------------------------------

  async function send(session: Session, chosen: Chosen): Promise<boolean> {
    for (const { entry } of chosen) outbox.take(entry)
    const contents = await outbox.load(chosen.map(({ entry }) => entry)).catch((error: unknown) => {
      log.warn('cannot read the outbox', { error })
      return undefined
    })
    for (const { entry, lane } of chosen) {
      const content = contents?.get(entry)
      if (contents && !content) forget(entry)
      else if (!content || around.session() !== session) flights.postpone(entry, clock.monotonic() + (contents ? 0 : 1000))
      else await sendOne(session, entry, content, lane)
    }
    return contents !== undefined
  }

  async function sendOne(session: Session, entry: Entry, content: Content, lane: Lane): Promise<void> {
    let bytes: number
    try {
      bytes = session.send(entry, content, outbox.declaration(entry.declaration), lane === 'backlog')
    } catch (error) {
      return setAside(entry, `${error}`)
    }
    const flight = flights.sent(entry, lane, bytes, clock.monotonic(), clock.now())
    sent.add({ lane })
    if (flight.sends > 1) resent.add()
    if (options.receipts) return
    flights.forget(flight)
    outbox.release([entry])
  }

  function forget(entry: Entry): void {
    for (const flight of flights.all()) if (flight.entry === entry) flights.forget(flight)
  }
}

/** About what an entry takes on the wire, before it is encoded. */
function wireBytes({ count, samples, bytes, kind }: Entry): number {
  return kind === 'data' ? 64 + count * 24 + samples * 3 : bytes * 4
}
