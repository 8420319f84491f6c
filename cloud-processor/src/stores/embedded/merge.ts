/**
 * Merging: the batches of a device hour, and the chunks that it has already, become one compressed chunk for each series and
 * the roll-ups of its minutes. Reads the file and returns what is to be written; nothing is read differently afterwards.
 */
import type { DatabaseSync } from 'node:sqlite'
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { Segment } from '@millrace/contract'
import { lastOf, resolvePoints, resolveSegments } from '../accounting/resolve.ts'
import { createRollUp, minuteMs, rollUpPoints, rollUpSegments } from '../accounting/roll-up.ts'
import { chunksOf, pointsOf, segmentsOf } from './batch.ts'
import { type ByteWriter, createWriter } from './bytes.ts'
import { type Points, putPoints, putSegments } from './chunk.ts'
import { hourMs, hourSpan } from './file.ts'
import type { Merged, MergedChunk, MergeJob } from './protocol.ts'
import { encodeMinutes } from './roll-up.ts'

/** Readings or samples of one chunk: what a short question must decompress. */
const partMax = 65_536
const level = { params: { [constants.ZSTD_c_compressionLevel]: 6 } }

export function createMerge(db: DatabaseSync) {
  const batches = db.prepare('SELECT id, body FROM batches WHERE id >= ? AND id < ? ORDER BY id')
  const waveOf = db.prepare('SELECT wave FROM series WHERE id = ?')
  const chunks = db.prepare('SELECT body FROM chunks WHERE series = ? AND hour = ? ORDER BY part')
  const out = createWriter()

  function mergeSeries(series: number, job: MergeJob, bodies: Uint8Array[], merged: Merged): void {
    const { wave } = waveOf.get(series) as { wave: number }
    const old = (chunks.all(series, job.hour) as { body: Uint8Array }[]).map(({ body }) => zstdDecompressSync(body))
    const all = [...old, ...bodies]
    const minutes = createRollUp(job.hour * hourMs, minuteMs)
    const parts = wave
      ? packSegments(resolveSegments(all.flatMap(segmentsOf)), out)
      : packPoints(resolvePoints(all.map(pointsOf)), out)
    for (const { chunk, points, segments } of parts) {
      merged.chunks.push({ series, ...chunk })
      if (points) rollUpPoints(minutes, points, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)
      if (segments) rollUpSegments(minutes, segments, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)
    }
    merged.series.push(series)
    if (minutes.made.t.length > 0) merged.minutes.push({ series, body: encodeMinutes(minutes.made) })
  }

  return (asked: MergeJob): Merged => {
    const job = { ...asked }
    const bySeries = new Map<number, Uint8Array[]>()
    for (const row of batches.iterate(job.id * hourSpan, (job.id + 1) * hourSpan)) {
      const { id, body } = row as { id: number; body: Uint8Array }
      job.upTo = id
      for (const { series, bytes } of chunksOf(body)) {
        const list = bySeries.get(series)
        if (list) list.push(bytes)
        else bySeries.set(series, [bytes])
      }
    }
    const merged: Merged = { job, series: [], chunks: [], minutes: [] }
    for (const [series, bodies] of bySeries) mergeSeries(series, job, bodies, merged)
    return merged
  }
}

interface Part {
  chunk: Omit<MergedChunk, 'series'>
  points?: Points
  segments?: Segment[]
}

function packPoints({ t, v, q }: Points, out: ByteWriter): Part[] {
  const parts: Part[] = []
  for (let from = 0; from < t.length; from += partMax) {
    const to = Math.min(t.length, from + partMax)
    const points: Points = { t: t.slice(from, to), v: v.slice(from, to) }
    if (q) points.q = q.slice(from, to)
    out.at = 0
    putPoints(out, points)
    parts.push({
      chunk: { part: parts.length, first: t[from]!, last: t[to - 1]!, count: to - from, body: compress(out) },
      points,
    })
  }
  return parts
}

function packSegments(all: Segment[], out: ByteWriter): Part[] {
  const parts: Part[] = []
  for (let from = 0; from < all.length; ) {
    let count = 0
    let to = from
    let last = Number.NEGATIVE_INFINITY
    while (to < all.length && (to === from || count + all[to]!.v.length <= partMax)) {
      count += all[to]!.v.length
      last = Math.max(last, lastOf(all[to++]!))
    }
    const segments = all.slice(from, to)
    out.at = 0
    putSegments(out, segments)
    parts.push({ chunk: { part: parts.length, first: segments[0]!.t, last, count, body: compress(out) }, segments })
    from = to
  }
  return parts
}

function compress({ bytes, at }: ByteWriter): Uint8Array {
  return zstdCompressSync(bytes.subarray(0, at), level)
}
