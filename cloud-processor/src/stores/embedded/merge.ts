/**
 * Merging: the batches of a device hour, and the chunks that it has already, become one compressed chunk for each series and
 * the roll-ups of its minutes. Reads the file and returns what is to be written; nothing is read differently afterwards.
 */
import type { DatabaseSync } from 'node:sqlite'
import { constants, zstdCompressSync } from 'node:zlib'
import type { Segment } from '@millrace/contract'
import { lastOf, resolvePoints, resolveSegments } from '../accounting/resolve.ts'
import { createRollUp, minuteMs, rollUpPoints, rollUpSegments } from '../accounting/roll-up.ts'
import { chunksOf, pointsOf, segmentsOf } from './batch.ts'
import { type ByteWriter, createWriter } from './bytes.ts'
import { type Points, putPoints, putSegments } from './chunk.ts'
import { hourMs, hourSpan } from './file.ts'
import type { DamagedRow, Merged, MergedChunk, MergeJob } from './protocol.ts'
import { encodeMinutes } from './roll-up.ts'
import { always, StoredRows } from './rows.ts'
import { chunkCheckBytes, putCheck } from './seal.ts'

/** Readings or samples of one chunk: what a short question must decompress. */
const partMax = 65_536
const level = { params: { [constants.ZSTD_c_compressionLevel]: 6 } }

export function createMerge(db: DatabaseSync) {
  const newest = db.prepare('SELECT max(id) AS id FROM batches WHERE id >= ? AND id < ?')
  const waveOf = db.prepare('SELECT wave FROM series WHERE id = ?')
  const found: DamagedRow[] = []
  const rows = new StoredRows(db, (damage) => void found.push(damage))
  const out = createWriter()

  function mergeSeries(series: number, job: MergeJob, bodies: Uint8Array[], merged: Merged): void {
    const wave = (waveOf.get(series) as { wave: number }).wave === 1
    const place = { series, hour: job.hour }
    const all = [...rows.chunks({ ...place, wave }, always), ...bodies]
    const minutes = createRollUp(job.hour * hourMs, minuteMs)
    const parts = wave
      ? packSegments(resolveSegments(all.flatMap(segmentsOf)), place, out)
      : packPoints(resolvePoints(all.map(pointsOf)), place, out)
    for (const { chunk, points, segments } of parts) {
      merged.chunks.push({ series, ...chunk })
      if (points) rollUpPoints(minutes, points, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)
      if (segments) rollUpSegments(minutes, segments, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)
    }
    merged.series.push(series)
    if (minutes.made.t.length > 0) merged.minutes.push({ series, body: encodeMinutes(minutes.made, place) })
  }

  return (asked: MergeJob): Merged => {
    const job = { ...asked }
    const bySeries = new Map<number, Uint8Array[]>()
    job.upTo = (newest.get(job.id * hourSpan, (job.id + 1) * hourSpan) as { id: number | null }).id ?? 0
    for (const { body } of rows.batches(job.id, always)) {
      for (const { series, bytes } of chunksOf(body)) {
        const list = bySeries.get(series)
        if (list) list.push(bytes)
        else bySeries.set(series, [bytes])
      }
    }
    const merged: Merged = { job, series: [], chunks: [], minutes: [], damaged: [] }
    for (const [series, bodies] of bySeries) mergeSeries(series, job, bodies, merged)
    merged.damaged = found.splice(0)
    return merged
  }
}

interface Place {
  series: number
  hour: number
}

interface Part {
  chunk: Omit<MergedChunk, 'series'>
  points?: Points
  segments?: Segment[]
}

function packPoints({ t, v, q }: Points, place: Place, out: ByteWriter): Part[] {
  const parts: Part[] = []
  for (let from = 0; from < t.length; from += partMax) {
    const to = Math.min(t.length, from + partMax)
    const points: Points = { t: t.slice(from, to), v: v.slice(from, to) }
    if (q) points.q = q.slice(from, to)
    out.at = 0
    putPoints(out, points)
    const row = { part: parts.length, first: t[from]!, last: t[to - 1]!, count: to - from }
    parts.push({ chunk: { ...row, body: sealAndCompress(out, place, row) }, points })
  }
  return parts
}

function packSegments(all: Segment[], place: Place, out: ByteWriter): Part[] {
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
    const row = { part: parts.length, first: segments[0]!.t, last, count }
    parts.push({ chunk: { ...row, body: sealAndCompress(out, place, row) }, segments })
    from = to
  }
  return parts
}

function sealAndCompress(
  out: ByteWriter,
  { series, hour }: Place,
  { part, first, last, count }: Omit<MergedChunk, 'series' | 'body'>,
): Uint8Array {
  putCheck(out, [series, hour, part, first, last, count], chunkCheckBytes(count))
  return zstdCompressSync(out.bytes.subarray(0, out.at), level)
}
