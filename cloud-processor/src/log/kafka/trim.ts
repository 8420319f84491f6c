/**
 * Drops records older than the bounds and needed by no registered reader, and says how large the topics are.
 *
 * Kafka tells the size of its files, which shrinks minutes after records were deleted, a segment at a time, and asks for a right on
 * the cluster. So sizes are measured: a few samples of each partition tell the bytes of a record there.
 */
import type { At, KafkaClient } from './client.ts'
import { fetchFromLeader } from './from-leader.ts'
import { type Persistence, persist } from './retry.ts'

const samples = 8
const sampleBytes = 32 << 10

export interface Measured extends At {
  start: number
  end: number
  bytes: number
  /** First offset from which on at most so many bytes are left. */
  keep(bytesMax: number): number
}

export interface TrimmerOptions {
  client: KafkaClient
  persistence: Persistence
}

export function createTrimmer({ client, persistence }: TrimmerOptions) {
  async function bounds(partitions: At[]): Promise<{ start: number; end: number }[]> {
    const [starts, ends] = await persist(persistence, () =>
      Promise.all([client.offsets(partitions, 'earliest'), client.offsets(partitions, 'latest')]),
    )
    return starts.map((start, k) => ({ start, end: ends[k]! }))
  }

  async function measure(at: At, { start, end }: { start: number; end: number }): Promise<Measured> {
    const count = end - start
    const pieces = Math.min(samples, count)
    const froms = Array.from({ length: pieces }, (_, k) => start + Math.floor((count * k) / pieces))
    const sizes = await Promise.all(froms.map((from) => recordBytes(at, from)))
    const spans = froms.map((from, k) => ({ from, count: (froms[k + 1] ?? end) - from, each: sizes[k]! }))
    return {
      ...at,
      start,
      end,
      bytes: spans.reduce((sum, span) => sum + span.count * span.each, 0),
      keep(bytesMax) {
        let left = bytesMax
        for (const span of spans.toReversed()) {
          const bytes = span.count * span.each
          if (bytes > left) return span.from + span.count - Math.floor(left / span.each)
          left -= bytes
        }
        return start
      },
    }
  }

  /** Bytes of a record about there, as it is stored. */
  async function recordBytes(at: At, from: number): Promise<number> {
    // An offset out of range was trimmed by another process; it has no chunks.
    const { chunks } = await persist(persistence, () =>
      fetchFromLeader(client, { ...at, from, bytesMax: sampleBytes, lane: 'read', waitMs: 0 }),
    )
    let bytes = 0
    let count = 0
    for (const chunk of chunks) {
      bytes += chunk.wireBytes
      count += chunk.count
    }
    return count === 0 ? 0 : bytes / count
  }

  /** First offset not older than a time. */
  async function firstSince(at: At, sinceMs: number, end: number): Promise<number> {
    const [offset] = await persist(persistence, () => client.offsets([at], sinceMs))
    return offset! < 0 ? end : offset!
  }

  async function drop(upTo: (At & { offset: number })[]): Promise<void> {
    if (upTo.length > 0) await persist(persistence, () => client.deleteRecords(upTo))
  }

  return { bounds, measure, firstSince, drop }
}
