/**
 * An entry that was sent `poisonSends` times, or was in flight in several ended connections, while others got their receipts,
 * is sent with nothing beside it. When that fails several times it is to be set aside.
 */
import type { SendContext } from './context.ts'
import { isPassedBy, type SentEntry } from './in-flight.ts'
import { type Chosen, canSend, nextOf } from './window.ts'

const trialsMax = 3
/** After a sending alone that failed others go on for so many time-outs; live entries hold one up no longer than that. */
const trialTimeOuts = 2.5

export class Poison {
  /** Sent alone, and its trial is not ended. */
  private trial: SentEntry | undefined
  private triedMs = Number.NEGATIVE_INFINITY
  private failedMs = Number.NEGATIVE_INFINITY

  get isOnTrial(): boolean {
    return this.trial !== undefined
  }

  /** Ends a trial that got no receipt. Returns the entry when that was its last. */
  judge({ inFlight, clock }: SendContext): SentEntry | undefined {
    const { trial } = this
    if (!trial || trial.isInFlight) return undefined
    this.trial = undefined
    if (!inFlight.has(trial)) return undefined
    trial.trials++
    this.failedMs = clock.monotonic()
    return trial.trials >= trialsMax && isPassedBy(trial) ? trial : undefined
  }

  /**
   * The oldest suspect, once nothing else is in flight; nothing while that is awaited. Undefined when there is no suspect, or
   * live entries go first, until none is left.
   */
  alone(context: SendContext, nowMs: number): Chosen | undefined {
    const { inFlight, options } = context
    const everyMs = trialTimeOuts * options.resendMs
    if (!options.receipts || nowMs - this.failedMs < everyMs) return undefined
    const suspect = suspectOf(context, nowMs)
    if (!suspect) return undefined
    if (nowMs - this.triedMs < everyMs && nextOf('live', context, 1).length > 0) return undefined
    if (inFlight.load.all.count > 0) return []
    this.trial = suspect
    this.triedMs = nowMs
    // Not marked historical: a processor that holds the backlog back for now must not make a good batch look like poison.
    return [{ entry: suspect.entry, lane: 'live' }]
  }
}

function suspectOf(context: SendContext, nowMs: number): SentEntry | undefined {
  const { outbox, inFlight } = context
  return inFlight.due(nowMs).find((sent) => inFlight.isSuspect(sent) && outbox.has(sent.entry) && canSend(context, sent.entry))
}
