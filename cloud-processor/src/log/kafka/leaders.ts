/** Asks now and then, and after a failure, who leads the partitions, and whether the topics are still those of this log. */
import { type Clock, every } from '@millrace/platform'
import { type KafkaClient, KafkaFailure } from './client.ts'
import { logIdOf, type Names } from './topics.ts'

/** Between two questions, however many fail. */
const pauseMs = 100
const refreshMs = 5000

export interface LeadersOptions {
  client: KafkaClient
  clock: Clock
  names: Names
  logId: string
  onFailure(failure: KafkaFailure): void
  /** Leaders may have changed. */
  onRefresh(): void
  /** The topics have been made again: this is another log. */
  onReplaced(): void
}

export interface Leaders {
  /** Resolves when they are known again, or could not be asked for: a failure is found by the caller that needs the answer. */
  refresh(): Promise<void>
  stop(): void
}

export function watchLeaders(options: LeadersOptions): Leaders {
  const { clock } = options
  let isStopped = false
  let refreshing: Promise<void> | undefined
  let refreshedMs = Number.NEGATIVE_INFINITY

  function refresh(): Promise<void> {
    if (isStopped || clock.monotonic() - refreshedMs < pauseMs) return refreshing ?? Promise.resolve()
    refreshing ??= ask(options).finally(() => {
      refreshedMs = clock.monotonic()
      refreshing = undefined
    })
    return refreshing
  }

  const stopTimer = every(clock, refreshMs, () => void refresh())
  return {
    refresh,
    stop() {
      isStopped = true
      stopTimer()
    },
  }
}

async function ask({ client, names, logId, onFailure, onRefresh, onReplaced }: LeadersOptions): Promise<void> {
  try {
    const now = await client.topics(names.all)
    const isWhole = Object.values(names.data).every((name) => now.has(name))
    if (isWhole && logIdOf(now, names) !== logId) onReplaced()
    onRefresh()
  } catch (error) {
    if (error instanceof KafkaFailure) onFailure(error)
  }
}
