/**
 * The blocks of a slot that can be read, in order, and between them what cannot. A block is damaged when its bytes or its place
 * are not what its checksum says, when SQLite finds its page or its overflow chain damaged, or when it is not where its
 * neighbours end. Damage goes up to the next block that can be read, which is found by trying: a damaged page hides the rows
 * on it, and those on the next one are reached without it.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { describe, isCorrupt } from '@millrace/platform/sqlite'
import { epochSpan, slotSpan } from './file.ts'
import { type Found, nothing, openBlock, type StoredBlock } from './row.ts'

export class ReadableBlocks {
  readonly #containing: StatementSync
  readonly #head: StatementSync
  readonly #row: StatementSync

  constructor(db: DatabaseSync) {
    const next = 'FROM blocks WHERE id >= ? AND id < ? ORDER BY id LIMIT 1'
    this.#containing = db.prepare('SELECT id FROM blocks WHERE id >= ? AND id <= ? ORDER BY id DESC LIMIT 1')
    this.#head = db.prepare(`SELECT id ${next}`)
    this.#row = db.prepare(`SELECT id, count, timeMs, size, block ${next}`)
  }

  /** From the block that holds offset `from` up to the slot's end. */
  *from(slot: number, from: number, end: number): Generator<Found> {
    const low = slot * slotSpan
    const place = { low, end: low + end, at: this.#startOf(low, low + from), knownMs: 0 }
    let damage: string | undefined
    let damagedFrom = place.at
    while (place.at < place.end) {
      const found = this.#blockAt(place)
      if (typeof found === 'string') {
        damage ??= found
        continue
      }
      const first = found.block.first + low
      if (first > damagedFrom) yield between(damagedFrom - low, found.block, damage ?? 'its row is gone', place.knownMs)
      damage = undefined
      place.knownMs = found.block.timeMs
      place.at = first + (found.block.count || epochSpan)
      damagedFrom = place.at
      yield found
    }
    if (damage !== undefined || damagedFrom < place.end) {
      const end = { first: place.end - low, timeMs: place.knownMs }
      yield between(damagedFrom - low, end, damage ?? 'its row is gone', place.knownMs)
    }
  }

  #startOf(low: number, from: number): number {
    try {
      return (this.#containing.get(low, from) as { id: number } | undefined)?.id ?? from
    } catch (cause) {
      if (!isCorrupt(cause)) throw cause
      return from
    }
  }

  /** The next block, or what is wrong with it: then `place` is moved behind it. */
  #blockAt(place: { low: number; at: number; end: number }): Found | string {
    const row = this.#rowFrom(place.at, place.end)
    if (typeof row === 'string') {
      const head = this.#idFrom(place.at, place.end)
      place.at =
        typeof head === 'number'
          ? head + 1
          : readableAfter(place.at, place.end, (id) => this.#idFrom(id, place.end) !== undefined)
      return row
    }
    const found = openBlock(row, place.low)
    // Where it ends is not known: what is wrong may be its count.
    if (typeof found === 'string') place.at = row.id + 1
    return found
  }

  #rowFrom(at: number, end: number): StoredBlock | string {
    try {
      const row = this.#row.get(at, end) as unknown as StoredBlock | undefined
      return row !== undefined && row.id >= at && row.id < end ? row : 'its row is gone'
    } catch (cause) {
      if (!isCorrupt(cause)) throw cause
      return describe(cause)
    }
  }

  /** Of the next row, without what lies on pages of its own. */
  #idFrom(at: number, end: number): number | undefined {
    try {
      const id = (this.#head.get(at, end) as { id: number } | undefined)?.id
      return id !== undefined && id >= at && id < end ? id : undefined
    } catch (cause) {
      if (!isCorrupt(cause)) throw cause
      return undefined
    }
  }
}

/** The first id behind `at` from which a row can be found, or `end`: in growing steps, then between the last two. */
export function readableAfter(at: number, end: number, isReadable: (id: number) => boolean): number {
  let step = 1
  while (at + step < end && !isReadable(at + step)) step *= 2
  let damaged = at + Math.floor(step / 2)
  let readable = Math.min(at + step, end)
  while (readable - damaged > 1) {
    const middle = Math.floor((damaged + readable) / 2)
    if (isReadable(middle)) readable = middle
    else damaged = middle
  }
  return readable
}

function between(first: number, next: { first: number; timeMs: number }, detail: string, fromMs: number): Found {
  const damage = { detail, fromMs: fromMs || next.timeMs }
  return { block: { first, count: next.first - first, timeMs: next.timeMs, bytes: 0, damage }, bytes: nothing }
}
