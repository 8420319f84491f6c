/**
 * Snapshots of stages: the newest two of each, written in turn under `<stage>` and `<stage>#2`, so that one is left when the
 * other is damaged. `<stage>#sums` says what belongs to each, the newest first: its state is three lines of the same, each the
 * JSON `[[next, crc32], [next, crc32]]`, a tab, and the line's own CRC-32. A version without checksums knows `<stage>` alone.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { describe } from '@millrace/platform/sqlite'
import type { FoundSnapshot, SnapshotRow } from './protocol.ts'

type Sums = [next: number, crc: number][]

export class Snapshots {
  readonly #find: StatementSync
  readonly #findNext: StatementSync
  readonly #put: StatementSync

  constructor(db: DatabaseSync) {
    this.#find = db.prepare('SELECT next, state FROM snapshots WHERE stage = ? AND partition = ?')
    this.#findNext = db.prepare('SELECT next FROM snapshots WHERE stage = ? AND partition = ?')
    this.#put = db.prepare('INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?)')
  }

  /** Inside a transaction: over the older of the two. */
  put({ stage, partition, next, state }: SnapshotRow): void {
    const [newest, before] = this.#sumsOf(stage, partition) ?? []
    const names = namesOf(stage)
    const at = newest && this.#nextOf(names[0], partition) === newest[0] ? 0 : 1
    const isAgain = newest?.[0] === next
    this.#put.run(names[newest === undefined || (at === 0) === isAgain ? 0 : 1], partition, next, state)
    const kept = isAgain ? before : newest
    this.#put.run(`${stage}#sums`, partition, 0, encodeSums([[next, crc32(state)], ...(kept ? [kept] : [])]))
  }

  /** The newest that can be read. */
  find(stage: string, partition: number): FoundSnapshot | undefined {
    const sums = this.#sumsOf(stage, partition)
    const rows = namesOf(stage).flatMap((name) => this.#read(name, partition) ?? [])
    if (rows.length === 0 && !sums) return undefined
    const damaged: string[] = []
    for (const [next, sum] of sums ?? []) {
      const row = rows.find((one) => one.next === next && one.state)
      if (row?.state && crc32(row.state) === sum) return { ...row, damaged: damaged[0] }
      damaged.push(row ? 'its checksum is wrong' : 'its row is gone')
    }
    if (sums) return { next: 0, damaged: damaged[0] ?? 'its checksum is gone' }
    // Of a version without checksums.
    return rows[0]
  }

  /** What the older of the two needs: nothing of the input from there on may be trimmed. */
  neededFrom(stage: string, partition: number, next: number): number {
    return Math.min(next, ...(this.#sumsOf(stage, partition) ?? []).map(([from]) => from))
  }

  #read(name: string, partition: number): FoundSnapshot | undefined {
    try {
      return this.#find.get(name, partition) as FoundSnapshot | undefined
    } catch (cause) {
      return { next: 0, damaged: describe(cause) }
    }
  }

  /** Undefined where only a version without checksums wrote; none where they are damaged. */
  #sumsOf(stage: string, partition: number): Sums | undefined {
    try {
      const row = this.#find.get(`${stage}#sums`, partition) as { state: Uint8Array } | undefined
      return row && decodeSums(Buffer.from(row.state).toString())
    } catch {
      return []
    }
  }

  #nextOf(name: string, partition: number): number | undefined {
    try {
      return (this.#findNext.get(name, partition) as { next: number } | undefined)?.next
    } catch {
      return undefined
    }
  }
}

function encodeSums(sums: Sums): Buffer {
  const text = JSON.stringify(sums)
  return Buffer.from(`${text}\t${crc32(text)}\n`.repeat(3))
}

function decodeSums(text: string): Sums {
  for (const line of text.split('\n')) {
    const [sums, sum] = line.split('\t')
    if (sums && crc32(sums) === Number(sum)) return JSON.parse(sums)
  }
  return []
}

const namesOf = (stage: string): [string, string] => [stage, `${stage}#2`]
