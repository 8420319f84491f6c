/**
 * One file, block by block: extract → convert, with its checks → refused rows beside → readings, counts and watermark in one
 * transaction. An import that was killed goes on behind the last block that is durable.
 */
import { type Channel, type Column, emptyEdgeCounts, type Segment } from '@millrace/contract'
import type { Drained } from '@millrace/edge-agent/outbox'
import { MillraceError, ownValue, setOwn } from '@millrace/platform'
import { type Bounds, Converter, channelsOf } from './convert.ts'
import type { Block } from './extracts/extract.ts'
import type { SourceFile } from './files.ts'
import type { Converted, Refused } from './gathering.ts'
import { Rejects } from './rejects.ts'
import type { Target } from './target.ts'
import { checksumOf, checkUnchanged, type FileCounts, type FileLook, lookAt, newWatermark, type Watermark } from './watermark.ts'

export interface ImportContext {
  target: Target
  bounds: Bounds
  tooOld: 'stop' | 'refuse' | 'send'
  rejectsMax: number
  /** Absent: what is refused is not written. */
  rejectsFolder?: string | undefined
  /** After each block. */
  onBlock(file: SourceFile, mark: Watermark, converted: Converted): void
  isStopped(): boolean
}

export interface FileOutcome {
  path: string
  counts: FileCounts
  /** It was imported before, and is the same. */
  isOld: boolean
  rejects?: string
}

/** @throws MillraceError IMPORT_FILE, IMPORT_CHANGED, IMPORT_TOO_OLD: what was imported up to there stays as it is */
export async function importFile(file: SourceFile, context: ImportContext): Promise<FileOutcome> {
  const look = lookAt(file.path)
  const mark = context.target.watermark(file.key) ?? newWatermark(file.path)
  const { size, mtimeMs } = mark
  if (mark.isDone && size === look.size && mtimeMs === look.mtimeMs) return outcomeOf(file, mark, true)
  checkUnchanged(mark, look)
  const isWhole = mark.isDone && (!file.source.plugin.isAppendable || mark.checksum.bytes === look.size)
  if (isWhole) return outcomeOf(file, mark, true)
  return new FileImport(file, mark, context).run(look)
}

function outcomeOf({ path }: SourceFile, { counts }: Watermark, isOld: boolean): FileOutcome {
  return { path, counts, isOld }
}

class FileImport {
  readonly #file: SourceFile
  readonly #context: ImportContext
  readonly #converter: Converter
  readonly #rejects: Rejects | undefined
  readonly #channels: Channel[]
  #mark: Watermark

  constructor(file: SourceFile, mark: Watermark, context: ImportContext) {
    const { source, path } = file
    const { rejectsFolder, rejectsMax, bounds } = context
    this.#file = file
    this.#mark = { ...mark, isDone: false }
    this.#context = context
    this.#converter = new Converter(source, bounds)
    const own = channelsOf(source)
    this.#channels = own.length > 0 ? own : source.plugin.channels!(path, source.extractConfig)
    const counted = mark.counts.rows.refused + mark.counts.readings.refused
    if (rejectsFolder !== undefined)
      this.#rejects = new Rejects(rejectsFolder, file.rejects, { bytes: mark.rejectBytes, counted, max: rejectsMax })
  }

  async run(look: FileLook): Promise<FileOutcome> {
    const { path, source } = this.#file
    const { plugin, extractConfig } = source
    try {
      this.#mark = { ...this.#mark, ...look }
      if (!plugin.isAppendable) this.#mark.checksum = { bytes: look.size, crc: checksumOf(path, { from: 0, to: look.size }) }
      for await (const block of plugin.read(path, extractConfig, this.#mark.place)) {
        await this.#take(block)
        if (this.#context.isStopped()) return outcomeOf(this.#file, this.#mark, false)
      }
      this.#checkSame(look)
      await this.#commit([], { ...this.#mark, isDone: true })
      const { path: rejects, bytes } = this.#rejects ?? { bytes: 0 }
      return { ...outcomeOf(this.#file, this.#mark, false), ...(bytes > 0 ? { rejects } : {}) }
    } finally {
      this.#rejects?.close()
    }
  }

  async #take(block: Block): Promise<void> {
    const converted = this.#converter.convert(block)
    const { refused } = converted
    if (this.#context.tooOld === 'stop') this.#stopAtOld(refused)
    this.#rejects?.add(refused)
    const drained = await this.#drained(converted, block.waves)
    const { place } = block
    const mark: Watermark = {
      ...this.#mark,
      place,
      checksum: this.#checksumUpTo(place.at),
      rejectBytes: this.#rejects?.bytes ?? 0,
      counts: counted(this.#mark, converted, place.rows),
    }
    await this.#commit(drained, mark)
    this.#context.onBlock(this.#file, mark, converted)
  }

  async #commit(drained: Drained[], mark: Watermark): Promise<void> {
    await this.#context.target.commit(drained, this.#file.key, mark)
    this.#mark = mark
  }

  #checksumUpTo(at: number): Watermark['checksum'] {
    const { checksum } = this.#mark
    if (!this.#file.source.plugin.isAppendable) return checksum
    return { bytes: at, crc: checksumOf(this.#file.path, { from: checksum.bytes, to: at }, checksum.crc) }
  }

  async #drained({ devices, refused }: Converted, waves: Record<string, Segment[]> = {}): Promise<Drained[]> {
    const { source } = this.#file
    const names = new Set([...devices.keys(), ...refused.flatMap(({ device }) => device ?? [])])
    if (Object.keys(waves).length > 0) names.add(source.device.name!)
    const drained: Drained[] = []
    for (const device of names) {
      await this.#context.target.declare(device, this.#channels)
      const channels = devices.get(device) ?? {}
      drained.push(drainedOf(device, channels, refused.filter((one) => one.device === device).length))
    }
    return drained
  }

  #stopAtOld(refused: Refused[]): void {
    const old = refused.find(({ reason }) => reason === 'too-old')
    if (!old) return
    const { path } = this.#file
    const kept = new Date(this.#context.bounds.fromMs).toISOString()
    throw new MillraceError('IMPORT_TOO_OLD', { path, row: old.row, kept })
  }

  #checkSame({ size, mtimeMs }: FileLook): void {
    const { path } = this.#file
    const now = lookAt(path)
    if (now.size === size && now.mtimeMs === mtimeMs) return
    const detail =
      now.size === size ? 'it was written while it was read' : `it had ${size} bytes when it was begun, and has ${now.size}`
    throw new MillraceError('IMPORT_CHANGED', { path, rows: this.#mark.counts.rows.read, detail })
  }
}

function drainedOf(device: string, channels: Record<string, Column>, refused: number): Drained {
  const counts = emptyEdgeCounts()
  for (const { t } of Object.values(channels)) counts.read[0] += t.length
  counts.read[0] += refused
  counts.rejected[0] += refused
  return { device, columns: { channels, waves: {} }, bad: [], counts }
}

function counted({ counts }: Watermark, { refused, refusedRows, empty, readings }: Converted, read: number): FileCounts {
  const { rows, samples } = counts
  const reasons = { ...counts.reasons }
  for (const { reason } of refused) setOwn(reasons, reason, (ownValue(reasons, reason) ?? 0) + 1)
  const values = refused.filter(({ channel }) => channel !== undefined).length
  return {
    rows: { read, refused: rows.refused + refusedRows, empty: rows.empty + empty },
    readings: { written: counts.readings.written + readings, refused: counts.readings.refused + values },
    samples,
    reasons,
  }
}
