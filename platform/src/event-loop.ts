/**
 * How long the event loop of this process is held up. A timer comes every `everyMs`; by how much it comes late is how long
 * anything else waited. A process that is stopped (SIGSTOP) or a suspended machine is late too.
 */
import { systemClock } from './clock.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'

/** Longer than this is a fault: sessions are lost, and nobody is answered. */
export const heldUpMsMax = 500

const everyMs = 20
/** A minute of them. */
const keptMax = 60_000 / everyMs
/** A process that is held up repeatedly logs this at most this often. */
const saidEveryMs = 10_000

/** The message of the line by which tests know it, too. */
export const heldUpMessage = 'the event loop was held up'

/** Returns the function that ends it. @param monotonic given by tests. */
export function measureEventLoop(metrics: Metrics, lines: Log, { monotonic, after } = systemClock): () => void {
  const kept = new Float64Array(keptMax)
  let count = 0
  let expectedMs = monotonic() + everyMs
  let longestMs = 0
  let times = 0
  let saidMs = Number.NEGATIVE_INFINITY
  const stalls = metrics.counter(
    'process_event_loop_stalls_total',
    `Times that the event loop was held up for more than ${heldUpMsMax} ms`,
  )
  stalls.add({}, 0)
  metrics.gauge('process_event_loop_delay_ms', 'How long the event loop was held up in the last minute', () => {
    const sorted = kept.slice(0, Math.min(count, keptMax)).sort()
    return ['0.99', '1'].map((quantile) => ({
      labels: { quantile },
      value: sorted[Math.max(0, Math.ceil(sorted.length * Number(quantile)) - 1)] ?? 0,
    }))
  })

  function look(): void {
    const nowMs = monotonic()
    const lateMs = Math.max(0, nowMs - expectedMs)
    kept[count++ % keptMax] = lateMs
    if (lateMs > heldUpMsMax) {
      stalls.add()
      times++
      longestMs = Math.max(longestMs, lateMs)
    }
    if (times > 0 && nowMs - saidMs >= saidEveryMs) {
      lines.warn(heldUpMessage, { ms: Math.round(longestMs), times })
      saidMs = nowMs
      times = longestMs = 0
    }
    expectedMs = nowMs + everyMs
    cancel = after(everyMs, look)
  }

  let cancel = after(everyMs, look)
  return () => cancel()
}
