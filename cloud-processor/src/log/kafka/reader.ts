/** Reads at any offset: from memory, else from Kafka. */
import { MillraceError } from '@millrace/platform'
import type { LogRecord } from '../log.ts'
import { type At, type Chunk, type Fetched, type KafkaClient, keyOf } from './client.ts'
import type { Follower } from './follower.ts'
import { fetchFromLeader } from './from-leader.ts'
import { type Pages, take } from './pages.ts'
import { type Persistence, persist } from './retry.ts'

/** One request brings so much over the wire, or one batch if that is more; what the reader did not want yet waits in memory. */
const fetchBytes = { least: 64 << 10, most: 1 << 20 }
/** Of the memory for pages, what one fetch may take: more would push out its own beginning. */
const pagesShare = 1 / 4

export interface ReaderOptions {
  client: KafkaClient
  pages: Pages
  follower: Follower
  persistence: Persistence
  pagesBytesMax: number
  edges: Edges
}

/** What this process knows of a partition's bounds. */
export interface Edges {
  start(at: At): number
  end(at: At): number
  seen(at: At, bounds: { start?: number; end?: number }): void
}

export function createEdges(): Edges {
  const starts = new Map<string, number>()
  const ends = new Map<string, number>()
  const raise = (map: Map<string, number>, at: At, offset: number | undefined) => {
    if (offset !== undefined && offset > (map.get(keyOf(at)) ?? 0)) map.set(keyOf(at), offset)
  }
  return {
    start: (at) => starts.get(keyOf(at)) ?? 0,
    end: (at) => ends.get(keyOf(at)) ?? 0,
    seen(at, { start, end }) {
      raise(starts, at, start)
      raise(ends, at, end)
    },
  }
}

type Limit = { records: number; bytes: number }

export function createReader(options: ReaderOptions): PartitionReader {
  return new PartitionReader(options)
}

export class PartitionReader {
  readonly #options: ReaderOptions
  /** Bytes in memory for one over the wire, by partition, as last seen. */
  readonly #expansion = new Map<string, number>()
  readonly #inFlight = new Map<string, Promise<Fetched>>()

  constructor(options: ReaderOptions) {
    this.#options = options
  }

  async bounds(at: At): Promise<{ start: number; end: number }> {
    const { client, persistence, edges } = this.#options
    const [[start], [end]] = await persist(persistence, () =>
      Promise.all([client.offsets([at], 'earliest'), client.offsets([at], 'latest')]),
    )
    edges.seen(at, { start: start!, end: end! })
    return { start: start!, end: end! }
  }

  async read(at: At, from: number, limit: Limit): Promise<LogRecord[]> {
    const { pages, follower, edges } = this.#options
    if (from < edges.start(at)) throw await this.#gone(at, from)
    const kept = pages.read(keyOf(at), from, limit)
    if (kept) return kept
    if (follower.next(at) === from && edges.end(at) <= from) {
      follower.follow(at, from)
      return []
    }
    return this.#readFromKafka(at, from, limit)
  }

  async #readFromKafka(at: At, from: number, limit: Limit): Promise<LogRecord[]> {
    for (let next = from; ; ) {
      const { chunks } = await this.#fetch(at, next, limit)
      const records: LogRecord[] = []
      for (const chunk of chunks) {
        if (!take(chunk, from, records, limit)) break
      }
      if (records.length > 0) return records
      if (chunks.length === 0) {
        this.#options.follower.follow(at, next)
        return []
      }
      // Nothing but control batches, or records before `from`.
      next = Math.max(next, chunks.at(-1)!.next)
    }
  }

  /** Readers that want the same share one request. */
  #fetch(at: At, from: number, limit: Limit): Promise<Fetched> {
    const key = `${keyOf(at)} ${from}`
    const known = this.#inFlight.get(key)
    if (known) return known
    const fetching = this.#fetchOnce(at, from, limit).finally(() => this.#inFlight.delete(key))
    this.#inFlight.set(key, fetching)
    return fetching
  }

  async #fetchOnce(at: At, from: number, limit: Limit): Promise<Fetched> {
    const { client, persistence, edges, pagesBytesMax } = this.#options
    const wanted = Math.min(limit.bytes, pagesBytesMax * pagesShare) / (this.#expansion.get(keyOf(at)) ?? 4)
    const bytesMax = Math.min(fetchBytes.most, Math.max(fetchBytes.least, Math.round(wanted)))
    const fetched = await persist(persistence, () =>
      fetchFromLeader(client, { ...at, from, bytesMax, purpose: 'read', waitMs: 0 }),
    )
    if (fetched.error) throw await this.#gone(at, from)
    edges.seen(at, { start: fetched.start, end: fetched.end })
    this.#keep(at, fetched.chunks)
    return fetched
  }

  #keep(at: At, chunks: Chunk[]): void {
    const { pages, pagesBytesMax } = this.#options
    let bytes = 0
    let wireBytes = 0
    for (const chunk of chunks) {
      bytes += chunk.bytes
      wireBytes += chunk.wireBytes
      if (chunk.count > 0 && bytes <= pagesBytesMax * pagesShare) pages.add(keyOf(at), chunk)
    }
    if (wireBytes > 0) this.#expansion.set(keyOf(at), Math.max(1, bytes / wireBytes))
  }

  async #gone(at: At, from: number): Promise<MillraceError> {
    const { start, end } = await this.bounds(at)
    return new MillraceError('LOG_OFFSET_GONE', { ...at, from, start, end })
  }
}
