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

export function createTrimmer(options: TrimmerOptions): PartitionTrimmer {
  return new PartitionTrimmer(options)
}

interface Bounds {
  start: number
  end: number
}

export class PartitionTrimmer {
  readonly #client: KafkaClient
  readonly #persistence: Persistence

  constructor({ client, persistence }: TrimmerOptions) {
    this.#client = client
    this.#persistence = persistence
  }

  async bounds(partitions: At[]): Promise<Bounds[]> {
    const [starts, ends] = await persist(this.#persistence, () =>
      Promise.all([this.#client.offsets(partitions, 'earliest'), this.#client.offsets(partitions, 'latest')]),
    )
    return starts.map((start, k) => ({ start, end: ends[k]! }))
  }

  async measure(at: At, { start, end }: Bounds): Promise<Measured> {
    const count = end - start
    const pieces = Math.min(samples, count)
    const froms = Array.from({ length: pieces }, (_, k) => start + Math.floor((count * k) / pieces))
    const sizes = await Promise.all(froms.map((from) => this.#recordBytes(at, from)))
    const spans = froms.map((from, k) => ({ from, count: (froms[k + 1] ?? end) - from, each: sizes[k]! }))
    const bytes = spans.reduce((sum, span) => sum + span.count * span.each, 0)
    return { ...at, start, end, bytes, keep: (bytesMax) => keep(spans, bytesMax) ?? start }
  }

  /** Bytes of a record about there, as it is stored. */
  async #recordBytes(at: At, from: number): Promise<number> {
    // An offset out of range was trimmed by another process; it has no chunks.
    const { chunks } = await persist(this.#persistence, () =>
      fetchFromLeader(this.#client, { ...at, from, bytesMax: sampleBytes, purpose: 'read', waitMs: 0 }),
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
  async firstSince(at: At, sinceMs: number, end: number): Promise<number> {
    const [offset] = await persist(this.#persistence, () => this.#client.offsets([at], sinceMs))
    return offset! < 0 ? end : offset!
  }

  async drop(upTo: (At & { offset: number })[]): Promise<void> {
    if (upTo.length > 0) await persist(this.#persistence, () => this.#client.deleteRecords(upTo))
  }
}

/** Records that are about equally large. */
interface Span {
  from: number
  count: number
  /** Bytes of one. */
  each: number
}

function keep(spans: Span[], bytesMax: number): number | undefined {
  let left = bytesMax
  for (const { from, count, each } of spans.toReversed()) {
    if (count * each > left) return from + count - Math.floor(left / each)
    left -= count * each
  }
  return undefined
}
