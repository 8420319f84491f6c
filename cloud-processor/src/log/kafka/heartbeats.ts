/**
 * The heartbeats of the processes on this log: a topic of one partition, whose records are of use for seconds. One long poll each.
 * Heartbeats from before this process began to listen are not seen, nor those that Kafka dropped while it did not answer.
 */
import type { Clock } from '@millrace/platform'
import type { Heartbeats } from '../heartbeats.ts'
import type { LogRecord } from '../log.ts'
import { type At, type KafkaClient, KafkaFailure, type KafkaRecord } from './client.ts'
import { fetchFromLeader } from './from-leader.ts'
import { pauseAfter, sleep } from './retry.ts'

const pollMs = 500
/** After heartbeats came: those of several processes come together. */
const lingerMs = 100
const bytesMax = 1 << 20
const everything = { records: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }
const unreadable = new Set(['OFFSET_OUT_OF_RANGE', 'CORRUPT_MESSAGE'])

export interface HeartbeatsOptions {
  client: KafkaClient
  clock: Clock
  topic: string
  append(at: At, records: KafkaRecord[]): Promise<number>
  refresh(failure: KafkaFailure): Promise<void>
}

export interface KafkaHeartbeats extends Heartbeats {
  stop(): void
}

export function createHeartbeats({ client, clock, topic, append, refresh }: HeartbeatsOptions): KafkaHeartbeats {
  const at = { topic, partition: 0 }
  const listeners = new Set<(heartbeat: Uint8Array) => void>()
  let isListening = false
  let isStopped = false

  async function listen(): Promise<void> {
    let next: number | undefined
    for (let failures = 0; !isStopped && listeners.size > 0; ) {
      try {
        next ??= (await client.offsets([at], 'latest'))[0]!
        const from = next
        next = await poll(from)
        failures = 0
        if (next > from) await sleep(clock, lingerMs)
      } catch (error) {
        if (isStopped) return
        const failure = error instanceof KafkaFailure ? error : new KafkaFailure('INTERNAL', true, `${error}`, error)
        // It goes on at the end: an old heartbeat is of no use.
        if (unreadable.has(failure.name)) next = undefined
        await sleep(clock, pauseAfter(++failures))
        await refresh(failure)
      }
    }
  }

  async function poll(from: number): Promise<number> {
    const answer = await fetchFromLeader(client, { ...at, from, bytesMax, purpose: 'heartbeats', waitMs: pollMs })
    if (answer.error) throw answer.error
    let next = from
    for (const chunk of answer.chunks) {
      const records: LogRecord[] = []
      chunk.decode(next, records, everything)
      for (const { value } of records) for (const listener of listeners) listener(value)
      next = Math.max(next, chunk.next)
    }
    return next
  }

  return {
    async post(heartbeat) {
      await append(at, [{ key: '', value: heartbeat }])
    },
    onHeartbeat(listener) {
      listeners.add(listener)
      if (!isListening) {
        isListening = true
        void listen().finally(() => {
          isListening = false
        })
      }
      return () => listeners.delete(listener)
    },
    stop() {
      isStopped = true
    },
  }
}
