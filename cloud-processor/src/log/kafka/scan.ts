/** Reads a compacted partition to its end. */
import type { LogRecord } from '../log.ts'
import type { At, KafkaClient } from './client.ts'
import { fetchFromLeader } from './from-leader.ts'
import { type Persistence, persist } from './retry.ts'

const fetchBytes = 4 << 20
const everything = { records: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }

/**
 * From `from`, or from the start when that is gone, to an end that did not move while it was read: what compaction takes away
 * in that time has been replaced by something that was read. Resolves with the next offset. A tombstone's value is empty.
 */
export async function scan(
  client: KafkaClient,
  { from, ...at }: At & { from: number },
  persistence: Persistence,
  see: (record: LogRecord) => void,
): Promise<number> {
  let next = from
  for (;;) {
    const fetched = await persist(persistence, () =>
      fetchFromLeader(client, { ...at, from: next, bytesMax: fetchBytes, purpose: 'read', waitMs: 0 }),
    )
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
