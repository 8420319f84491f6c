/**
 * Writes what became of each notification into the alarms topic, so that another process that takes over the sending does
 * not send it again. Tried until the log has it; what a killed process had not yet written is repeated, under the same key.
 */
import { encodeJson, type SettledRecord, topics } from '@millrace/contract'
import type { Clock, Log as Logger } from '@millrace/platform'
import type { Log, NewRecord } from '../log/log.ts'

const tryAgainMs = 500
/** More than so many wait only if the log takes nothing for hours: then the oldest may be repeated. */
const waitingMax = 10_000
/** In one append. */
const writeMax = 500

export interface Settled {
  tell(about: { key: string; subject: string }, target: string, state: SettledRecord['state']): void
  /** Resolves when the log has what was told: before that nobody else may send. */
  flush(): Promise<void>
  /** Tries one last time. */
  close(): Promise<void>
}

export function createSettled(log: Log, clock: Clock, logger: Logger): Settled {
  let waiting: { partition: number; record: NewRecord }[] = []
  let writing: Promise<void> | undefined
  let cancel = () => {}
  let isClosed = false

  async function write(): Promise<void> {
    while (waiting.length > 0) {
      const { partition } = waiting[0]!
      const group = waiting.filter((one) => one.partition === partition).slice(0, writeMax)
      await log.append(
        topics.alarms,
        partition,
        group.map(({ record }) => record),
      )
      const written = new Set(group)
      waiting = waiting.filter((one) => !written.has(one))
    }
  }

  function start(): void {
    writing ??= write()
      .catch((error) => {
        logger.warn('what became of notifications is not in the log yet; tried again', { waiting: waiting.length, error })
        if (!isClosed) cancel = clock.after(tryAgainMs, start)
      })
      .finally(() => {
        writing = undefined
      })
  }

  async function tryNow(): Promise<void> {
    cancel()
    start()
    await writing
  }

  return {
    tell({ key, subject }, target, state) {
      const value = encodeJson({ f: 1, k: 'settled', key, target, state, atMs: clock.now() })
      waiting.push({ partition: log.partitionOf(subject), record: { key: subject, value } })
      if (waiting.length > waitingMax) waiting.shift()
      start()
    },
    async flush() {
      await tryNow()
      while (waiting.length > 0 && !isClosed) {
        await new Promise<void>((resolve) => void clock.after(tryAgainMs, resolve))
        await tryNow()
      }
    },
    async close() {
      isClosed = true
      await tryNow()
      cancel()
    },
  }
}
