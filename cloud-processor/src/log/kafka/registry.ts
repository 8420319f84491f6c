/**
 * Which readers still need what, in a compacted topic of one partition, so that every process's trim() knows all of them.
 *
 *     key     JSON [name, topic, partition]
 *     value   JSON { f: 1, log, next }; a tombstone when it is forgotten
 */
import type { LogRecord } from '../log.ts'
import type { At, KafkaClient, KafkaRecord } from './client.ts'
import type { Persistence } from './retry.ts'
import { scan } from './scan.ts'

interface Position {
  log: string
  next: number
}

export interface RegistryOptions {
  client: KafkaClient
  topic: string
  logId: string
  persistence: Persistence
  append(at: At, records: KafkaRecord[]): Promise<number>
}

export type Registry = ReturnType<typeof createRegistry>

export function createRegistry({ client, topic, logId, persistence, append }: RegistryOptions) {
  const at = { topic, partition: 0 }
  const positions = new Map<string, Position>()
  let seen = 0
  let scanning: Promise<void> | undefined

  function see({ key, value }: LogRecord): void {
    if (value.length === 0) positions.delete(key)
    else positions.set(key, JSON.parse(Buffer.from(value).toString()) as Position)
  }

  /** Learns what was registered since it was asked last. */
  function refresh(): Promise<void> {
    scanning ??= scan(client, { ...at, from: seen }, persistence, see)
      .then((next) => {
        seen = next
      })
      .finally(() => {
        scanning = undefined
      })
    return scanning
  }

  return {
    async register(name: string, { topic, partition }: At, next: number): Promise<void> {
      const value = Buffer.from(JSON.stringify({ f: 1, log: logId, next }))
      await append(at, [{ key: JSON.stringify([name, topic, partition]), value }])
    },
    async forget(name: string): Promise<void> {
      await refresh()
      const keys = [...positions.keys()].filter((key) => (JSON.parse(key) as [string])[0] === name)
      if (keys.length > 0)
        await append(
          at,
          keys.map((key) => ({ key, value: null })),
        )
    },
    /** Lowest offset that a reader of this log needs; undefined: nobody reads it. */
    async needed(of: At): Promise<number | undefined> {
      await refresh()
      let lowest: number | undefined
      for (const [key, { log, next }] of positions) {
        const [, topic, partition] = JSON.parse(key) as [string, string, number]
        if (log === logId && topic === of.topic && partition === of.partition) lowest = Math.min(lowest ?? next, next)
      }
      return lowest
    },
    /** The topic that a stage of this name reads. */
    async inputOf(name: string): Promise<string | undefined> {
      await refresh()
      for (const key of positions.keys()) {
        const [reader, topic] = JSON.parse(key) as [string, string]
        if (reader === name) return topic
      }
      return undefined
    },
  }
}
