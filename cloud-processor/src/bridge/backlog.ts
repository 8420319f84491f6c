/**
 * How much backlog the bridge takes while live data waits. Up to a lag of `lagMsMax` from raw to rules it takes all that comes,
 * each agent within `creditBytes`. Above that live data goes first, and the backlog keeps a guaranteed minimum: a quarter of
 * the bytes of live data, and at least `backlogBytesPerSecondMin`. So B bytes of backlog are taken within
 * B / `backlogBytesPerSecondMin` seconds, however long the lag stays high.
 *
 *   tokens  bytes that may be taken now: they come with time and with live data, at most one second's worth
 *   turns   the few nodes that have a credit now. A node that does not use its turn within `turnMs` loses it to the next
 *           one that waits, so many nodes do not send at once what only a few of them can get taken.
 */
import type { Clock } from '@millrace/platform'
import type { BridgeConfig } from './config.ts'

export interface Backlog {
  /** Live data lags: what is backlog has its minimum only. */
  isBehind(): boolean
  /** Live data was taken: the backlog earns its share of it. */
  tookLive(bytes: number): void
  /** Whether a historical batch of that size is taken now. */
  takes(node: string, bytes: number): boolean
  /** Backlog bytes that the node may have in flight from now on. */
  credit(node: string): number
}

const shareOfLive = 0.25
const turnsMax = 8
/** Credit of a node whose turn it is, and how long it may leave it unused. */
const turnBytes = 64 << 10
const turnMs = 300

type Options = Pick<BridgeConfig, 'lagMsMax' | 'creditBytes' | 'backlogBytesPerSecondMin'>

export function createBacklog(options: Options, lagMs: () => number, clock: Clock): Backlog {
  const { lagMsMax, creditBytes, backlogBytesPerSecondMin } = options
  const tokensMax = Math.max(backlogBytesPerSecondMin, turnBytes)
  let tokens = 0
  let refilledMs = clock.monotonic()
  /** Node → monotonic time at which its turn ends. */
  const turns = new Map<string, number>()

  function earn(bytes: number): void {
    tokens = Math.min(tokensMax, tokens + bytes)
  }

  function refill(): void {
    const nowMs = clock.monotonic()
    earn(((nowMs - refilledMs) / 1000) * backlogBytesPerSecondMin)
    refilledMs = nowMs
  }

  function hasTurn(node: string): boolean {
    const nowMs = clock.monotonic()
    for (const [other, untilMs] of turns) if (untilMs <= nowMs) turns.delete(other)
    if (!turns.has(node) && turns.size < turnsMax) turns.set(node, nowMs + turnMs)
    return turns.has(node)
  }

  const isBehind = () => lagMs() > lagMsMax

  return {
    isBehind,
    tookLive: (bytes) => earn(bytes * shareOfLive),
    takes(node, bytes) {
      if (!isBehind()) return true
      refill()
      if (tokens <= 0) return false
      // A batch may be larger than what is left; the next ones wait the longer.
      tokens -= bytes
      turns.set(node, clock.monotonic() + turnMs)
      return true
    },
    credit(node) {
      if (!isBehind()) return creditBytes
      refill()
      return tokens > 0 && hasTurn(node) ? Math.min(creditBytes, turnBytes) : 0
    },
  }
}
