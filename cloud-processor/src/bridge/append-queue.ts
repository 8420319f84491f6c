/** Messages on their way into the log, in order: what came while others were being written is written together. */
import { topics } from '@millrace/contract'
import type { Counter, Log as Logger } from '@millrace/platform'
import type { Log, NewRecord } from '../log/log.ts'

export interface Waiting {
  record: NewRecord
  /** `group/node`, and what the message is to be receipted by. */
  node: string | undefined
  uuid: string | undefined
  receivedMs: number
  settled: (isDurable: boolean) => void
}

export interface AppendQueueOptions {
  log: Log
  logger: Logger
  dropped: Counter
  /** Groups that may be written at once. */
  inFlightMax: number
  /** All of these are durable. */
  appended(group: Waiting[]): void
}

export class AppendQueue {
  /** Of all that is not durable yet. */
  bytes = 0
  readonly #options: AppendQueueOptions
  #waiting: Waiting[] = []
  #inFlight = 0
  #isPumpDue = false
  #isStopped = false

  constructor(options: AppendQueueOptions) {
    this.#options = options
  }

  push(message: Waiting): void {
    this.#waiting.push(message)
    this.bytes += message.record.value.length
    this.#pumpSoon()
  }

  /** What waits is not written any more. */
  stop(): void {
    this.#isStopped = true
  }

  /** Once all that came together is in the queue. */
  #pumpSoon(): void {
    if (this.#isPumpDue) return
    this.#isPumpDue = true
    queueMicrotask(() => {
      this.#isPumpDue = false
      this.#pump()
    })
  }

  #pump(): void {
    const { inFlightMax, dropped, logger } = this.#options
    if (this.#isStopped || this.#waiting.length === 0 || this.#inFlight >= inFlightMax) return
    const group = this.#waiting
    this.#waiting = []
    this.#inFlight++
    this.#append(group)
      .catch((error) => {
        for (const { settled } of group) settled(false)
        dropped.add({ reason: 'append-failed' }, group.length)
        logger.error('append to raw failed; the agents keep these messages and send them again', {
          messages: group.length,
          error,
        })
      })
      .finally(() => {
        this.#inFlight--
        for (const { record } of group) this.bytes -= record.value.length
        this.#pump()
      })
  }

  async #append(group: Waiting[]): Promise<void> {
    const { log, appended } = this.#options
    const byPartition = new Map<number, NewRecord[]>()
    for (const { record } of group) {
      const partition = log.partitionOf(record.key)
      const records = byPartition.get(partition)
      if (records) records.push(record)
      else byPartition.set(partition, [record])
    }
    await Promise.all([...byPartition].map(([partition, records]) => log.append(topics.raw, partition, records)))
    appended(group)
  }
}
