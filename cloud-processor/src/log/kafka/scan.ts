/** Reads a compacted partition to its end. */
import type { LogRecord } from '../log.ts'
import { type At, type KafkaClient, KafkaFailure } from './client.ts'
import { type Persistence, persist } from './retry.ts'

const fetchBytes = 4 << 20
const everything = { records: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }

/**
 * From `from`, or from the start when that is gone, to an end that did not move while it was read: what compaction takes away
 * meanwhile has been replaced by something that was read. Resolves with the next offset. A tombstone's value is empty.
 */
export async function scan(
  client: KafkaClient,
  at: At,
  from: number,
  persistence: Persistence,
  see: (record: LogRecord) => void,
): Promise<number> {
  let next = from
  for (;;) {
    const fetched = await persist(persistence, async () => {
      const node = client.leader(at)
      if (node === undefined) throw new KafkaFailure('LEADER_NOT_AVAILABLE', true)
      const [answer] = await client.fetch(node, 'read', [{ ...at, from: next, bytesMax: fetchBytes }], 0)
      if (!answer) throw new KafkaFailure('UNKNOWN_TOPIC_OR_PARTITION', true)
      if (answer.error && answer.error.name !== 'OFFSET_OUT_OF_RANGE') throw answer.error
      return answer
    })
    if (fetched.error) {
      const [start] = await persist(persistence, () => client.offsets([at], 'earliest'))
      next = start!
      continue
    }
    for (const chunk of fetched.chunks) {
      const records: LogRecord[] = []
      chunk.decode(next, records, everything)
      for (const record of records) see(record)
      next = Math.max(next, chunk.next)
    }
    if (fetched.chunks.length === 0) return next
  }
}
