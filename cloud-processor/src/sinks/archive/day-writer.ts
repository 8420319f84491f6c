/**
 * Writes one file of one day: rows come sorted by device, channel, time and position. Of rows of one series and time the last
 * position stays; the others are counted as collapsed. The file has its name when it is whole and on the disk.
 */
import { createHash, type Hash } from 'node:crypto'
import { zstdCompressSync } from 'node:zlib'
import type { Tally } from '@millrace/contract'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import type { Disk, NewFile } from './disk.ts'
import type { ArchivedFile } from './manifest.ts'
import { columns, emptyRows, encodingOf, type Rows, schema } from './schema.ts'

/** Of one row group: what a reader, and a merge, holds of a file at once. */
const groupMax = { rows: 16_384, samples: 262_144 }

export type WrittenFile = Omit<ArchivedFile, 'level' | 'publishedMs'>

export interface DayPlace {
  folder: string
  name: string
  day: string
}

export class DayWriter {
  readonly #disk: Disk
  readonly #place: DayPlace
  readonly #file: NewFile
  readonly #hash: Hash = createHash('sha256')
  readonly #bytes = new ByteWriter(1 << 20)
  readonly #parquet: ParquetWriter
  #group: Rows = emptyRows()
  #groupSamples = 0
  #written = 0
  #positions = new Map<string, [from: number, to: number]>()
  #times: [number, number] = [Infinity, -Infinity]
  readonly #kept: Tally = [0, 0]
  readonly collapsed: Tally = [0, 0]

  constructor(disk: Disk, place: DayPlace) {
    this.#disk = disk
    this.#place = place
    disk.makeFolder(place.folder)
    this.#file = disk.create(this.#path('.tmp'))
    const compressors = { ZSTD: (bytes: Uint8Array) => zstdCompressSync(bytes) }
    this.#parquet = new ParquetWriter({ writer: this.#bytes, schema, codec: 'ZSTD', compressors, createdBy: 'millrace' })
  }

  push(rows: Rows, k: number): void {
    if (this.#isSameAsLast(rows, k)) this.#dropLast()
    else if (this.#group.device.length >= groupMax.rows || this.#groupSamples >= groupMax.samples) this.#flush()
    for (const { name } of columns) this.#group[name].push(rows[name][k])
    this.#count(rows, k, this.#kept, 1)
    this.#groupSamples += samplesOf(rows, k)
    this.#see(rows, k)
  }

  /** The file under its name. */
  finish(): WrittenFile {
    this.#flush()
    this.#parquet.finish()
    this.#write()
    this.#file.sync()
    const path = this.#path('')
    this.#disk.rename(this.#path('.tmp'), path)
    this.#disk.sync(this.#place.folder)
    const [readings, samples] = this.#kept
    const [firstMs, lastMs] = this.#times
    return {
      path,
      day: this.#place.day,
      rows: Number(this.#parquet.num_rows),
      readings,
      samples,
      collapsed: [...this.collapsed],
      bytes: this.#written,
      sha256: this.#hash.digest('hex'),
      positions: [...this.#positions].map(([log, [from, to]]) => ({ log, from, to })),
      firstMs,
      lastMs,
    }
  }

  /** Whether or not it is finished. */
  close(): void {
    this.#file.close()
  }

  #path(ending: string): string {
    return `${this.#place.folder}/${this.#place.name}.parquet${ending}`
  }

  #isSameAsLast(rows: Rows, k: number): boolean {
    const { device, channel, time } = this.#group
    const last = device.length - 1
    return last >= 0 && time[last] === rows.time[k] && channel[last] === rows.channel[k] && device[last] === rows.device[k]
  }

  #dropLast(): void {
    const last = this.#group.device.length - 1
    this.#count(this.#group, last, this.#kept, -1)
    this.#count(this.#group, last, this.collapsed, 1)
    this.#groupSamples -= samplesOf(this.#group, last)
    for (const { name } of columns) this.#group[name].pop()
  }

  #count(rows: Rows, k: number, tally: Tally, sign: 1 | -1): void {
    if (rows.samples[k]) tally[1] += sign * samplesOf(rows, k)
    else tally[0] += sign
  }

  /** Of what has collapsed too: it was in those positions. */
  #see(rows: Rows, k: number): void {
    const log = rows.log[k] as string
    const position = Number(rows.position[k])
    const [from, to] = this.#positions.get(log) ?? [position, position]
    this.#positions.set(log, [Math.min(from, position), Math.max(to, position)])
    const ms = Number(rows.time[k]) / 1000
    this.#times = [Math.min(this.#times[0], ms), Math.max(this.#times[1], ms)]
  }

  #flush(): void {
    const group = this.#group
    if (group.device.length === 0) return
    const columnData = columns.map(({ name }) => {
      const encoding = encodingOf(name)
      return { name, data: group[name], ...(encoding && { encoding }) }
    })
    this.#parquet.write({ columnData, rowGroupSize: group.device.length })
    this.#write()
    this.#group = emptyRows()
    this.#groupSamples = 0
  }

  #write(): void {
    const bytes = this.#bytes.getBytes()
    this.#hash.update(bytes)
    this.#file.write(bytes)
    this.#written += bytes.length
    this.#bytes.index = 0
  }
}

const samplesOf = (rows: Rows, k: number): number => (rows.samples[k] as number[] | null)?.length ?? 0
