/**
 * One file, block by block: extract → convert, with its checks → refused rows beside → readings, counts and watermark in one
 * transaction. An import that was killed goes on behind the last block that is durable.
 */
import { addTally, type Channel, type Columns, countReadings, countSamples, emptyEdgeCounts } from '@millrace/contract'
import type { Drained } from '@millrace/edge-agent/outbox'
import { MillraceError, ownValue, setOwn } from '@millrace/platform'
import { type Bounds, Converter, channelsOf } from './convert.ts'
import type { Block } from './extracts/extract.ts'
import type { SourceFile } from './files.ts'
import type { Converted, Refused } from './gathering.ts'
import { Rejects } from './rejects.ts'
import type { Target } from './target.ts'
import {
  checksumOf,
  checksumOfAll,
  checkUnchanged,
  type FileCounts,
  type FileLook,
  lookAt,
  newWatermark,
  type Watermark,
} from './watermark.ts'

export interface ImportContext {
  target: Target
  bounds: Bounds
  /** Devices that other nodes have, with their node. */
  owners: ReadonlyMap<string, string>
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
  const look = lookAt(pathsOf(file))
  const mark = context.target.watermark(file.key) ?? newWatermark(file.path)
  const { size, mtimeMs } = mark
  if (mark.isDone && size === look.size && mtimeMs === look.mtimeMs) return outcomeOf(file, mark, true)
  checkUnchanged(mark, pathsOf(file), look)
  const isWhole = mark.isDone && (!file.source.plugin.isAppendable || mark.checksum.bytes === look.size)
  if (isWhole) return outcomeOf(file, mark, true)
  return new FileImport(file, mark, context).run(look)
}

/** The file, and those that its rows come from. */
function pathsOf({ path, source: { plugin, extractConfig } }: SourceFile): string[] {
  return [path, ...(plugin.beside?.(path, extractConfig) ?? [])]
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
    this.#channels = [...channelsOf(source), ...(source.plugin.channels?.(path, source.extractConfig) ?? [])]
    const counted = mark.counts.rows.refused + mark.counts.readings.refused
    if (rejectsFolder !== undefined)
      this.#rejects = new Rejects(rejectsFolder, file.rejects, { bytes: mark.rejectBytes, counted, max: rejectsMax })
  }

  async run(look: FileLook): Promise<FileOutcome> {
    const { path, source } = this.#file
    const { plugin, extractConfig } = source
    try {
      this.#mark = { ...this.#mark, ...look }
      if (!plugin.isAppendable) this.#mark.checksum = { bytes: look.size, crc: checksumOfAll(pathsOf(this.#file), look.size) }
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
    const drained = await this.#drained(converted)
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

  async #drained({ devices, refused, waves }: Converted): Promise<Drained[]> {
    const { source } = this.#file
    const names = new Set([...devices.keys(), ...refused.flatMap(({ device }) => device ?? [])])
    if (Object.keys(waves).length > 0) names.add(source.device.name!)
    const drained: Drained[] = []
    for (const device of names) {
      await this.#declare(device)
      const columns = { channels: devices.get(device) ?? {}, waves: device === source.device.name ? waves : {} }
      drained.push(
        drainedOf(
          device,
          columns,
          refused.filter((one) => one.device === device),
        ),
      )
    }
    return drained
  }

  async #declare(device: string): Promise<void> {
    const { owners, target } = this.#context
    const node = owners.get(device)
    if (node !== undefined) throw new MillraceError('IMPORT_DEVICE_TAKEN', { path: this.#file.path, device, node })
    await target.declare(device, this.#channels)
  }

  #stopAtOld(refused: Refused[]): void {
    const old = refused.find(({ reason }) => reason === 'too-old')
    if (!old) return
    const { path } = this.#file
    const kept = new Date(this.#context.bounds.keptFromMs).toISOString()
    throw new MillraceError('IMPORT_TOO_OLD', { path, row: old.row, kept })
  }

  #checkSame({ size, mtimeMs }: FileLook): void {
    const { path } = this.#file
    const now = lookAt(pathsOf(this.#file))
    if (now.size === size && now.mtimeMs === mtimeMs) return
    const detail =
      now.size === size ? 'it was written while it was read' : `it had ${size} bytes when it was begun, and has ${now.size}`
    throw new MillraceError('IMPORT_CHANGED', { path, rows: this.#mark.counts.rows.read, detail })
  }
}

function drainedOf(device: string, columns: Columns, refused: Refused[]): Drained {
  const counts = emptyEdgeCounts()
  for (const { samples = 0 } of refused) addTally(counts.rejected, samples > 0 ? [0, samples] : [1, 0])
  addTally(counts.read, counts.rejected)
  addTally(counts.read, [countReadings(columns), countSamples(columns)])
  return { device, columns, bad: [], counts }
}

function counted({ counts }: Watermark, converted: Converted, read: number): FileCounts {
  const { refused, refusedRows, empty, readings, waves } = converted
  const { rows, samples } = counts
  const reasons = { ...counts.reasons }
  for (const { reason, samples = 1 } of refused) setOwn(reasons, reason, (ownValue(reasons, reason) ?? 0) + samples)
  const values = refused.filter(({ channel, samples }) => channel !== undefined && samples === undefined).length
  const gone = refused.reduce((sum, one) => sum + (one.samples ?? 0), 0)
  return {
    rows: { read, refused: rows.refused + refusedRows, empty: rows.empty + empty },
    readings: { written: counts.readings.written + readings, refused: counts.readings.refused + values },
    samples: { written: samples.written + countSamples({ channels: {}, waves }), refused: samples.refused + gone },
    reasons,
  }
}
