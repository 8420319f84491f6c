/**
 * One partition of the timeline in the archive:
 *
 *     write    records → held in memory (the log keeps them until they are published)
 *     publish  held → one new file for each day → manifest (manifest.ts): files, position, marks, ledger, in one step
 *     merge    several files of a day → one → manifest
 *
 * Whatever fails, the partition is opened again: from the newest manifest, without what no manifest names.
 */
import { randomUUID } from 'node:crypto'
import { addTally, type ReadingsRecord, type Tally, type TimelineRecord } from '@millrace/contract'
import type { LogRecord } from '../../log/log.ts'
import { type Marks, pass } from '../../stage/index.ts'
import { timeAfter } from '../../stage/tick-time.ts'
import { createDeclared } from '../declared.ts'
import { Completeness } from './completeness.ts'
import type { ArchiveSinkConfig } from './config.ts'
import { type DayPlace, DayWriter } from './day-writer.ts'
import type { Disk } from './disk.ts'
import { dayName, Held } from './held.ts'
import { Ledger } from './ledger.ts'
import {
  type ArchivedFile,
  emptyManifest,
  type Manifest,
  partitionFolder,
  publishManifest,
  readManifest,
  removeOrphans,
} from './manifest.ts'
import { mergeDue, mergeFiles } from './merge.ts'

export type PartitionConfig = Pick<ArchiveSinkConfig, 'everyMinutes' | 'rowsMax' | 'samplesMax' | 'mergeAfterMinutes'>

/** Days that one publication may have: a device with a wild clock makes a file of each. */
const daysMax = 64
/** A ledger that has not seen a stream from its start takes what went before it for given. */
const beginningMs = 3_600_000

export interface Unreadable {
  offset: number
  detail: string
}

export class ArchivePartition {
  readonly #disk: Disk
  readonly #config: PartitionConfig
  readonly #writer = randomUUID().slice(0, 8)
  readonly #declared = createDeclared()
  readonly #marks: Marks
  readonly #ledger: Ledger
  readonly #completeness: Completeness
  /** As published. */
  #manifest: Manifest
  #held = new Held()
  #heldSinceMs: number | undefined
  #hasTaken = false
  #refused = 0
  #late: Tally = [0, 0]
  #nowMs: number
  /** The next offset, with what is held. */
  #taken: number

  /** Takes the partition over: another writer of it can publish no more. @throws MillraceError */
  constructor(disk: Disk, partition: number, { config, log, start }: { config: PartitionConfig; log: string; start: number }) {
    this.#disk = disk
    this.#config = config
    const found = readManifest(disk, partition) ?? emptyManifest(partition)
    const { marks, declared, ledger, completeness } = structuredClone(found.memory)
    this.#marks = marks
    this.#declared.restore(partition, declared as [])
    this.#ledger = new Ledger(ledger)
    this.#completeness = new Completeness(completeness)
    this.#nowMs = found.nowMs
    const last = found.logs.at(-1)
    // What the log does not have any more leaves a hole, which `verify` names.
    const goesOn = last?.log === log && last.next >= start
    this.#manifest = goesOn ? found : { ...found, logs: [...found.logs, { log, from: start, next: start }] }
    this.#taken = this.next
    this.#publish({})
    removeOrphans(disk, this.#manifest)
  }

  /** The next offset, as of what is published. */
  get next(): number {
    return this.#manifest.logs.at(-1)!.next
  }

  get manifest(): Manifest {
    return this.#manifest
  }

  /** That wait. */
  get rows(): number {
    return this.#held.rows
  }

  /**
   * What was taken before is not taken again, by the marks. What cannot be read is returned, and is passed by only when the next records come:
   * then it is among the rejected.
   */
  write(records: LogRecord[]): Unreadable[] {
    if (this.#isDue()) this.#publishHeld()
    const unreadable: Unreadable[] = []
    for (const record of records) {
      this.#taken = Math.max(this.#taken, record.offset + 1)
      this.#hasTaken = true
      if (record.damage || !pass(this.#marks, record.source)) continue
      try {
        this.#take(record)
      } catch (error) {
        unreadable.push({ offset: record.offset, detail: (error as Error).message })
      }
    }
    this.#refused += unreadable.length
    if (unreadable.length === 0 && this.#isDue()) this.#publishHeld()
    return unreadable
  }

  /** Merges once, where it is due. @returns whether it did */
  async merge(): Promise<boolean> {
    const { files, collapsed, completeToMs } = this.#manifest
    const quietMs = this.#config.mergeAfterMinutes * 60_000
    const due = mergeDue(files, { nowMs: this.#nowMs, quietMs, completeToMs })
    if (!due) return false
    const made = await mergeFiles(this.#disk, due, this.#place(due[0]!.day, 0))
    const others = files.filter((file) => !due.includes(file))
    this.#publish({ files: [...others, made.file], collapsed: sumOf(collapsed, made.collapsed) })
    for (const { path } of due) this.#disk.remove(path)
    return true
  }

  #take({ offset, value, source }: LogRecord): void {
    const record: TimelineRecord = JSON.parse(Buffer.from(value).toString())
    if (record.k === 'readings') this.#readings(record, offset)
    else if (record.k === 'declaration') this.#declared.take(this.#manifest.partition, record)
    else if (record.k === 'tick') this.#nowMs = timeAfter(this.#nowMs, record)
    else if (record.k === 'cut') this.#ledger.cut(record, { nowMs: this.#nowMs, isBeginning: this.#isBeginning() })
    this.#completeness.take(record, source?.partition ?? 0)
    if (this.#nowMs > 0) this.#heldSinceMs ??= this.#nowMs
  }

  #readings(record: ReadingsRecord, position: number): void {
    checkShape(record)
    const { logs, partition, completeToMs } = this.#manifest
    this.#held.add(record, { log: logs.at(-1)!.log, position, declared: this.#declared.of(partition, record.device) })
    this.#ledger.take(record)
    if (completeToMs !== undefined) addTally(this.#late, lateIn(record, completeToMs))
  }

  #isBeginning(): boolean {
    const { logs, beganMs = this.#nowMs } = this.#manifest
    return logs[0]!.from > 0 && this.#nowMs - beganMs < beginningMs
  }

  #isDue(): boolean {
    const { rows, samples, days } = this.#held
    const { rowsMax, samplesMax, everyMinutes } = this.#config
    if (rows >= rowsMax || samples >= samplesMax || days.size >= daysMax) return true
    if (everyMinutes === 0) return this.#hasTaken
    // A clock that was set back must not hold it up.
    return this.#heldSinceMs !== undefined && Math.abs(this.#nowMs - this.#heldSinceMs) >= everyMinutes * 60_000
  }

  #publishHeld(): void {
    const { files: before, taken, collapsed, late, logs, refused } = this.#manifest
    const { files, kept, collapsed: gone } = this.#writeHeld()
    this.#publish({
      files: [...before, ...files],
      taken: sumOf(taken, kept, gone),
      collapsed: sumOf(collapsed, gone),
      late: sumOf(late, this.#late),
      refused: refused + this.#refused,
      logs: [...logs.slice(0, -1), { ...logs.at(-1)!, next: this.#taken }],
      ...this.#known(),
    })
    this.#held = new Held()
    this.#heldSinceMs = undefined
    this.#hasTaken = false
    this.#refused = 0
    this.#late = [0, 0]
  }

  #writeHeld(): { files: ArchivedFile[]; kept: Tally; collapsed: Tally } {
    const writers = new Map<number, DayWriter>()
    try {
      for (const { day, rows } of this.#held.byDay()) {
        const writer = writers.get(day) ?? new DayWriter(this.#disk, this.#place(dayName(day), writers.size))
        writers.set(day, writer)
        for (let k = 0; k < rows.device.length; k++) writer.push(rows, k)
      }
      const files = [...writers.values()].map((writer) => ({ ...writer.finish(), level: 0, publishedMs: this.#nowMs }))
      const kept = sumOf(...files.map(({ readings, samples }): Tally => [readings, samples]))
      return { files, kept, collapsed: sumOf(...files.map(({ collapsed }) => collapsed)) }
    } finally {
      for (const writer of writers.values()) writer.close()
    }
  }

  /** What follows from all that was taken. */
  #known(): Partial<Manifest> {
    const { partition, completeToMs = 0, beganMs } = this.#manifest
    const { toMs = 0, nodes } = this.#completeness.view()
    const behind = Object.fromEntries(Object.entries(nodes).filter(([, ms]) => ms === null || ms < this.#nowMs))
    const known: Partial<Manifest> = {
      nowMs: this.#nowMs,
      behind,
      missing: this.#ledger.differences(),
      memory: structuredClone({
        marks: this.#marks,
        declared: this.#declared.save(partition),
        ledger: this.#ledger.save(this.#nowMs),
        completeness: this.#completeness.save(),
      }),
    }
    if (Math.max(toMs, completeToMs) > 0) known.completeToMs = Math.max(toMs, completeToMs)
    if (beganMs === undefined && this.#nowMs > 0) known.beganMs = this.#nowMs
    return known
  }

  #place(day: string, k: number): DayPlace {
    const name = `${String(this.#manifest.version + 1).padStart(9, '0')}-${this.#writer}-${k}`
    return { folder: `${partitionFolder(this.#manifest.partition)}/day=${day}`, name, day }
  }

  #publish(changed: Partial<Manifest>): void {
    const next = { ...this.#manifest, ...changed, version: this.#manifest.version + 1, writer: this.#writer }
    publishManifest(this.#disk, next)
    this.#manifest = next
  }
}

const sumOf = (...tallies: Tally[]): Tally =>
  tallies.reduce((sum, [readings, samples]) => [sum[0] + readings, sum[1] + samples], [0, 0])

/** @throws Error when it has not the shape of readings */
function checkShape({ channels, waves }: ReadingsRecord): void {
  for (const [name, { t, v }] of Object.entries(channels))
    if (!Array.isArray(t) || !Array.isArray(v) || t.length !== v.length || !t.every(isTime))
      throw new Error(`channel ${name} has no columns of times and values`)
  for (const [name, segments] of Object.entries(waves))
    for (const { t, i, v } of segments)
      if (!isTime(t) || !(i > 0) || !Array.isArray(v) || !v.every(Number.isFinite))
        throw new Error(`waveform ${name} has a segment without time, interval or samples`)
}

/** What a Date can say: each time lies in a day that has a name. */
const isTime = (ms: unknown): boolean => Number.isFinite(ms) && Math.abs(ms as number) <= 8.64e15

function lateIn({ channels, waves }: ReadingsRecord, toMs: number): Tally {
  const late: Tally = [0, 0]
  for (const { t } of Object.values(channels)) for (const ms of t) if (ms <= toMs) late[0]++
  for (const { t, v } of Object.values(waves).flat()) if (t <= toMs) late[1] += v.length
  return late
}
