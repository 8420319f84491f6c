/** What the broker counts, and what it says of it: so few lines a minute and reason that no client can fill the log. */
import type { Clock, Log, Metrics } from '@millrace/platform'
import { RefusalAudit } from './refusal-audit.ts'
import { type Refusal, refusals } from './refusals.ts'

/** Why a message was not kept. */
export type Drop = 'offline-full' | 'session-forgotten' | 'retained-full'

export interface Counts {
  refused(reason: Refusal, detail?: Record<string, unknown>): void
  audit: RefusalAudit
  dropped(reason: Drop, messages?: number): void
  /** A message from a client, allowed. */
  received(bytes: number): void
  /** A message handed to one client's buffer. */
  delivered(): void
  /** A publisher was held back by `publishesPerSecond`. */
  throttled(): void
  stats(): { received: number; delivered: number; refused: Record<string, number>; dropped: Record<string, number> }
}

const sayAgainMs = 60_000
/** Of different users and addresses. */
const linesMax = 10

export function createCounts({ log, metrics, clock }: { log: Log; metrics: Metrics; clock: Clock }): Counts {
  const refusedTotal = metrics.counter('millrace_broker_refused_total', 'Connections, subscriptions and messages refused.')
  const droppedTotal = metrics.counter('millrace_broker_dropped_total', 'Messages not kept at a limit.')
  const throttledTotal = metrics.counter('millrace_broker_throttled_total', 'Times a publisher was held to its rate.')
  let received = 0
  let receivedBytes = 0
  let delivered = 0
  metrics.gauge('millrace_broker_received_messages', 'Messages taken from clients since the start.', () => received)
  metrics.gauge('millrace_broker_received_bytes', 'Their payload bytes.', () => receivedBytes)
  metrics.gauge('millrace_broker_delivered_messages', 'Messages handed to clients since the start.', () => delivered)
  const refused: Record<string, number> = {}
  const dropped: Record<string, number> = {}
  const audit = new RefusalAudit()
  metrics.gauge('millrace_broker_refusals_listed', 'Entries of the audit of refusals.', () => audit.size)
  metrics.gauge('millrace_broker_refusals_forgotten', 'Entries that had to go from it since the start.', () => audit.forgotten)
  const due = createDue(clock)
  return {
    refused(reason, detail = {}) {
      refusedTotal.add({ reason })
      refused[reason] = (refused[reason] ?? 0) + 1
      const { says, rests } = refusals[reason]
      const { user, address, count } = audit.add(reason, detail, clock.now())
      if (due(reason, JSON.stringify([user, address])))
        log.warn(`refused: ${says}`, { reason, rests, total: refused[reason], count, ...detail })
    },
    dropped(reason, messages = 1) {
      droppedTotal.add({ reason }, messages)
      dropped[reason] = (dropped[reason] ?? 0) + messages
      if (due(reason)) log.error('messages not kept at a limit', { reason, total: dropped[reason] })
    },
    audit,
    received(bytes) {
      received++
      receivedBytes += bytes
    },
    delivered: () => void delivered++,
    throttled: () => throttledTotal.add(),
    stats: () => ({ received, delivered, refused: { ...refused }, dropped: { ...dropped } }),
  }
}

/** Whether a line is due: one a minute for a reason and whom it is about, and for a reason so many. */
function createDue(clock: Clock): (reason: string, about?: string) => boolean {
  const said = new Map<string, { fromMs: number; about: Set<string> }>()
  return (reason, about = '') => {
    const nowMs = clock.monotonic()
    const last = said.get(reason)
    const minute = last && nowMs - last.fromMs < sayAgainMs ? last : { fromMs: nowMs, about: new Set<string>() }
    said.set(reason, minute)
    if (minute.about.has(about) || minute.about.size >= linesMax) return false
    minute.about.add(about)
    return true
  }
}
