/**
 * Chunks of records kept in memory within a bound, oldest out first: what was appended or fetched last, for any reader. Kept as
 * bytes, for the reason given in embedded/tail.ts.
 */
import { lastAtOrBefore } from '../last-at-or-before.ts'
import type { LogRecord } from '../log.ts'
import type { Chunk } from './client.ts'

/** What a chunk costs beside its bytes. */
const chunkOverheadBytes = 400

export interface Pages {
  add(key: string, chunk: Chunk): void
  /** Undefined when `from` is not kept. */
  read(key: string, from: number, limit: { records: number; bytes: number }): LogRecord[] | undefined
  bytes(): number
}

export function createPages(bytesMax: number): Pages {
  const all: { key: string; chunk: Chunk }[] = []
  /** Sorted by first offset. */
  const byKey = new Map<string, Chunk[]>()
  let bytes = 0

  function dropOldest(): void {
    const { key, chunk } = all.shift()!
    const chunks = byKey.get(key)!
    chunks.splice(lastAtOrBefore(chunks, chunk.first), 1)
    bytes -= chunk.bytes + chunkOverheadBytes
  }

  return {
    add(key, chunk) {
      const chunks = byKey.get(key) ?? []
      byKey.set(key, chunks)
      const at = lastAtOrBefore(chunks, chunk.first)
      if (at >= 0 && chunks[at]!.next > chunk.first) return
      chunks.splice(at + 1, 0, chunk)
      all.push({ key, chunk })
      bytes += chunk.bytes + chunkOverheadBytes
      while (bytes > bytesMax && all.length > 1) dropOldest()
    },
    read(key, from, limit) {
      const chunks = byKey.get(key)
      if (!chunks) return undefined
      let at = lastAtOrBefore(chunks, from)
      if (at < 0 || chunks[at]!.next <= from) return undefined
      const records: LogRecord[] = []
      for (let next = from; at < chunks.length && chunks[at]!.first <= next; at++) {
        if (!take(chunks[at]!, next, records, limit)) break
        next = chunks[at]!.next
      }
      return records.length > 0 ? records : undefined
    },
    bytes: () => bytes,
  }
}

/** False when the limit is reached. */
export function take(chunk: Chunk, from: number, into: LogRecord[], limit: { records: number; bytes: number }): boolean {
  let left = limit.bytes
  for (const { value } of into) left -= value.length
  if (into.length > 0 && left <= 0) return false
  chunk.decode(from, into, { records: limit.records, bytes: Math.max(1, left) })
  return into.length < limit.records
}
