/**
 * Rows of an hour as they were stored: batches, chunks and minutes, each checked (seal.ts). One that cannot be read, because its
 * bytes are not what was written or because SQLite finds its pages damaged, is told and left out: its neighbours are read.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { zstdDecompressSync } from 'node:zlib'
import { describe, isCorrupt } from '@millrace/platform/sqlite'
import type { RollUp } from '../store.ts'
import { chunksOf, pointsOf, segmentsOf } from './batch.ts'
import { hourSpan } from './file.ts'
import type { DamagedRow } from './protocol.ts'
import { decodeMinutes } from './roll-up.ts'
import { checkBroken, chunkCheckBytes, isMarked } from './seal.ts'

/** Epoch ms, both ends included. */
export interface Span {
  first: number
  last: number
}

export const always: Span = { first: Number.NEGATIVE_INFINITY, last: Number.POSITIVE_INFINITY }

interface Row extends Span {
  id: number
  body: Uint8Array
}

interface ChunkRow extends Row {
  part: number
  count: number
}

export interface SeriesHour {
  series: number
  hour: number
  wave: boolean
}

export class StoredRows {
  readonly #sql: ReturnType<typeof prepare>
  readonly #found: (damage: DamagedRow) => void

  constructor(db: DatabaseSync, found: (damage: DamagedRow) => void) {
    this.#sql = prepare(db)
    this.#found = found
  }

  /** Chunks of a series' hour that overlap the span, in order of time, unpacked. */
  *chunks({ series, hour, wave }: SeriesHour, { first, last }: Span): Generator<Uint8Array> {
    const { chunks, chunkIds, chunk } = this.#sql
    const damaged = (row: Partial<ChunkRow>, detail: string) => {
      const key = `chunks ${series} ${hour} ${row.part ?? ''}`
      const count = row.count === undefined ? undefined : Math.abs(row.count)
      this.#found({ key, table: 'chunks', series, hour, first: row.first, last: row.last, count, detail })
    }
    for (const row of readable<ChunkRow>(chunks, { ids: chunkIds, one: chunk }, [series, hour, first, last], damaged)) {
      const found = openChunk(row, { series, hour, wave })
      if (typeof found === 'string') damaged(row, found)
      else yield found
    }
  }

  /** Batches of a device hour, in order of position. */
  *batches(hourId: number, { first, last }: Span): Generator<Row> {
    const { batches, batchIds, batch } = this.#sql
    const damaged = (row: Partial<Row>, detail: string) => {
      const key = `batches ${row.id ?? hourId * hourSpan}`
      this.#found({ key, table: 'batches', hourId, first: row.first, last: row.last, detail })
    }
    const args = [hourId * hourSpan, (hourId + 1) * hourSpan, first, last]
    for (const row of readable<Row>(batches, { ids: batchIds, one: batch }, args, damaged)) {
      const isSealed = isMarked(row.body)
      const detail = isSealed ? checkBroken(row.body, [row.id, row.first, row.last], 4) : malformedBatch(row.body)
      if (detail === undefined) yield row
      else damaged(row, detail)
    }
  }

  /** Undefined where there are none that can be read. */
  minutes(series: number, hour: number): RollUp | undefined {
    try {
      const row = this.#sql.minutes.get(series, hour) as { body: Uint8Array } | undefined
      return row && decodeMinutes(row.body, { series, hour })
    } catch (cause) {
      if (!isDamaged(cause)) throw cause
      this.#found({ key: `minutes ${series} ${hour}`, table: 'minutes', series, hour, detail: describe(cause) })
    }
    return undefined
  }
}

interface ByOne {
  /** All but the bodies, which may lie on pages of their own. */
  ids: StatementSync
  one: StatementSync
}

function* readable<R extends Row>(
  all: StatementSync,
  { ids, one }: ByOne,
  args: number[],
  damaged: (row: Partial<R>, detail: string) => void,
): Generator<R> {
  const seen = new Set<number>()
  try {
    for (const row of all.iterate(...args) as unknown as Iterable<R>) {
      seen.add(row.id)
      yield row
    }
    return
  } catch (cause) {
    if (!isCorrupt(cause)) throw cause
  }
  try {
    for (const known of ids.all(...args) as unknown as Partial<R>[]) {
      if (seen.has(known.id!)) continue
      const row = tryGet<R>(one, known.id!)
      if (typeof row === 'string') damaged(known, row)
      else yield row
    }
  } catch (cause) {
    if (!isCorrupt(cause)) throw cause
    damaged({}, describe(cause))
  }
}

function tryGet<R>(one: StatementSync, id: number): R | string {
  try {
    return (one.get(id) as R | undefined) ?? 'its row is gone'
  } catch (cause) {
    if (!isCorrupt(cause)) throw cause
    return describe(cause)
  }
}

/** Its bytes, or what is wrong with them. */
function openChunk({ part, first, last, count, body }: ChunkRow, { series, hour, wave }: SeriesHour): Uint8Array | string {
  try {
    const bytes = zstdDecompressSync(body) as Uint8Array
    if (count < 0) return checkBroken(bytes, [series, hour, part, first, last, -count], chunkCheckBytes(-count)) ?? bytes
    const found = wave ? segmentsOf(bytes).length : pointsOf(bytes).t.length
    return wave || found === count ? bytes : `it holds ${found} readings, not ${count}`
  } catch (cause) {
    if (!isDamaged(cause)) throw cause
    return describe(cause)
  }
}

/** One of a version without checksums may end anywhere. */
function malformedBatch(body: Uint8Array): string | undefined {
  try {
    for (const _ of chunksOf(body));
    return undefined
  } catch (cause) {
    return describe(cause)
  }
}

/** What decoding throws, and what SQLite says of its pages. */
const isDamaged = (cause: unknown) => (cause as { errcode?: number }).errcode === undefined || isCorrupt(cause)

function prepare(db: DatabaseSync) {
  const chunkOfHour = 'FROM chunks WHERE series = ? AND hour = ? AND last >= ? AND first <= ? ORDER BY part'
  const batchOfHour = 'FROM batches WHERE id >= ? AND id < ? AND last >= ? AND first <= ? ORDER BY id'
  return {
    chunks: db.prepare(`SELECT id, part, first, last, count, body ${chunkOfHour}`),
    chunkIds: db.prepare(`SELECT id, part, first, last, count ${chunkOfHour}`),
    chunk: db.prepare('SELECT id, part, first, last, count, body FROM chunks WHERE id = ?'),
    batches: db.prepare(`SELECT id, first, last, body ${batchOfHour}`),
    batchIds: db.prepare(`SELECT id, first, last ${batchOfHour}`),
    batch: db.prepare('SELECT id, first, last, body FROM batches WHERE id = ?'),
    minutes: db.prepare('SELECT body FROM minutes WHERE series = ? AND hour = ?'),
  }
}
