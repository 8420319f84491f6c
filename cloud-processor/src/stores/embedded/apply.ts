/** One transaction of timeline records: rows, counts, marks and position together, or nothing. */
import type { DatabaseSync } from 'node:sqlite'
import type { DamageRecord, ReadingsRecord, TickRecord, TimelineRecord } from '@millrace/contract'
import { isAbove } from '../../log/source-order.ts'
import { timeAfter } from '../../stage/tick-time.ts'
import { textOf } from '../accounting/damage.ts'
import type { StoredEvent } from '../store.ts'
import { createCorrections } from './corrections.ts'
import { Counts } from './counts.ts'
import { type Cuts, createCuts } from './cuts.ts'
import { Damages } from './damages.ts'
import { Devices } from './devices.ts'
import { createExpiry, type Expiry } from './expiry.ts'
import { createGaps, type Gaps } from './gaps.ts'
import { type Hour, Hours } from './hours.ts'
import { columnsPerRecord, type Done, type Records } from './protocol.ts'
import { Readings } from './readings.ts'
import { StoredRows } from './rows.ts'
import { Unreadable } from './unreadable.ts'

export interface ApplyOptions {
  path: string
  devicesInMemory: number
  retention: { days: number }
  eventsMax: number
  /** Hours that batches were put into, for the merging. */
  wrote(hour: Hour, atMs: number): void
}

interface Mark {
  offset: number
  index: number
}

/**
 * One bad record harms only itself. It may have left its traces in memory and file: the transaction is undone and made again
 * without it, and an event names it.
 */
export class BadRecord extends Error {
  readonly partition: number
  readonly offset: number
  constructor(partition: number, offset: number, detail: string) {
    super(detail)
    this.partition = partition
    this.offset = offset
  }
}

export class Apply {
  readonly expiry: Expiry
  readonly #options: ApplyOptions
  readonly #sql: ReturnType<typeof prepare>
  readonly #devices: Devices
  readonly #counts: Counts
  readonly #readings: Readings
  readonly #gaps: Gaps
  readonly #corrections: ReturnType<typeof createCorrections>
  readonly #cuts: Cuts
  readonly #damages: Damages
  /** Rows that cannot be read, found here or by a reader. */
  readonly unreadable: Unreadable
  /** What is left out, and why. */
  readonly #bad = new Map<string, string>()
  /** Of the newest tick. */
  nowMs = 0

  constructor(db: DatabaseSync, options: ApplyOptions) {
    const devices = new Devices(db, options.devicesInMemory)
    const counts = new Counts(db, options.devicesInMemory * 2)
    this.#options = options
    this.#sql = prepare(db)
    this.#devices = devices
    this.#counts = counts
    this.unreadable = new Unreadable(db, { path: options.path, addEvent: this.addEvent.bind(this) })
    const rows = new StoredRows(db, (damage) => this.unreadable.find(damage))
    this.#readings = new Readings(db, { devices, counts, hours: new Hours(db, rows) })
    this.#gaps = createGaps(db, devices, rows)
    this.#corrections = createCorrections(db)
    this.#damages = new Damages(db, this.#gaps)
    this.#cuts = createCuts(db, { devices, counts, damages: this.#damages })
    this.expiry = createExpiry(db, { devices, counts, cuts: this.#cuts, days: options.retention.days })
  }

  applyAll({ partition, values, columns, sourceLogs }: Records, log: string): Done {
    const bytes = Buffer.from(values.buffer, values.byteOffset, values.length)
    const done: Done = { readings: 0, samples: 0, repeats: 0, bad: [] }
    const source = new SourceMarks(this.#sql, partition)
    let next = (this.#sql.findPosition.get(log, partition) as { next: number } | undefined)?.next ?? 0
    for (let at = 0, from = 0; at < columns.length; at += columnsPerRecord) {
      const to = columns[at]!
      const offset = columns[at + 1]!
      const isNew = offset >= next && source.pass(columns, at + 2, sourceLogs)
      if (offset >= next) next = offset + 1
      if (isNew) this.#takeOne(bytes.toString('utf8', from, to), partition, offset, done)
      else done.repeats!++
      from = to
    }
    this.#counts.write()
    source.write()
    this.#sql.putPosition.run(log, partition, next)
    return done
  }

  #takeOne(text: string, partition: number, offset: number, done: Done): void {
    const detail = this.#bad.get(`${partition} ${offset}`)
    if (detail !== undefined) {
      done.bad!.push({ offset, detail })
      this.#damages.take({ fromMs: this.nowMs, toMs: this.nowMs })
      return this.addEvent('error', 'STORE_RECORD', `Timeline record ${offset} cannot be read: ${detail}`)
    }
    try {
      this.#apply(JSON.parse(text), done)
    } catch (cause) {
      throw (cause as { errcode?: number }).errcode === undefined ? new BadRecord(partition, offset, `${cause}`) : cause
    }
  }

  #apply(record: TimelineRecord, done: Done): void {
    switch (record.k) {
      case 'readings':
        return this.#applyReadings(record, done)
      case 'tick':
        return this.#applyTick(record)
      case 'gap':
        return this.#gaps.open(record)
      case 'declaration':
        return this.#devices.declare(record)
      case 'birth':
      case 'death':
        return this.#devices.live(record)
      case 'cut':
        return this.#cuts.put(record, this.nowMs)
      case 'event':
        return this.#putEvent(record)
      case 'damage':
        return this.#applyDamage(record)
    }
  }

  #applyDamage(damage: DamageRecord): void {
    this.#damages.take(damage)
    this.#putEvent({ device: '', atMs: damage.toMs, level: 'error', code: 'LOG_DAMAGED', text: textOf(damage) })
  }

  #applyReadings(record: ReadingsRecord, done: Done): void {
    const { device, written } = this.#readings.put(record)
    if (device.openGaps.length > 0) this.#gaps.close(device, record)
    if (record.clock) this.#corrections(device.id, record)
    for (const hour of written) this.#options.wrote(hour, this.nowMs)
    for (const channel in record.channels) done.readings! += record.channels[channel]!.t.length
    for (const channel in record.waves) for (const { v } of record.waves[channel]!) done.samples! += v.length
  }

  #applyTick(tick: TickRecord): void {
    if (this.nowMs === 0) this.#cuts.date(tick.atMs)
    this.nowMs = timeAfter(this.nowMs, tick)
    this.expiry.tick(this.nowMs)
  }

  /** One about the store itself. */
  addEvent(level: 'warn' | 'error', code: string, text: string): void {
    this.#putEvent({ device: '', atMs: this.nowMs, level, code, text })
  }

  #putEvent({ device, atMs, level, code, text }: StoredEvent): void {
    const id = Number(this.#sql.putEvent.run(device, atMs, level, code, text).lastInsertRowid)
    if (id % 100 === 0) this.#sql.dropEvents.run(id - this.#options.eventsMax)
  }

  /** After a transaction was undone: what is in memory may not be in the file. */
  forget(): void {
    this.#counts.forget()
    this.#devices.forget()
    this.#damages.undo()
  }

  /** Until the transaction succeeds, the record is left out. */
  leaveOut({ partition, offset, message }: BadRecord): void {
    this.#bad.set(`${partition} ${offset}`, message)
  }

  succeeded(): void {
    this.#bad.clear()
  }

  forgetHour(device: number, hour: number): void {
    this.#devices.forgetHour(device, hour)
  }
}

/** Marks of one timeline partition that one transaction moves. */
class SourceMarks {
  readonly #sql: ReturnType<typeof prepare>
  readonly #partition: number
  readonly #marks = new Map<string, Mark>()

  constructor(sql: ReturnType<typeof prepare>, partition: number) {
    this.#sql = sql
    this.#partition = partition
  }

  /** False for a repeat. The source of a record is in four of its columns, from `at` on. */
  pass(columns: Float64Array, at: number, sourceLogs: string[]): boolean {
    if (columns[at + 3]! < 0) return true
    const mark = this.#markOf(columns[at]!, sourceLogs[columns[at + 3]!]!)
    const offset = columns[at + 1]!
    const index = columns[at + 2]!
    if (!isAbove(offset, index, mark.offset, mark.index)) return false
    mark.offset = offset
    mark.index = index
    return true
  }

  #markOf(source: number, log: string): Mark {
    const key = JSON.stringify([source, log])
    let mark = this.#marks.get(key)
    if (!mark) {
      mark = (this.#sql.findMark.get(this.#partition, log, source) as Mark | undefined) ?? { offset: -1, index: -1 }
      this.#marks.set(key, mark)
    }
    return mark
  }

  write(): void {
    for (const [key, { offset, index }] of this.#marks) {
      const [source, log] = JSON.parse(key) as [number, string]
      this.#sql.putMark.run(this.#partition, log, source, offset, index)
    }
  }
}

function prepare(db: DatabaseSync) {
  return {
    putEvent: db.prepare('INSERT INTO events (device, atMs, level, code, text) VALUES (?, ?, ?, ?, ?)'),
    dropEvents: db.prepare('DELETE FROM events WHERE id <= ?'),
    findMark: db.prepare('SELECT offset, seq AS "index" FROM marks WHERE partition = ? AND log = ? AND source = ?'),
    putMark: db.prepare('INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?, ?)'),
    findPosition: db.prepare('SELECT next FROM positions WHERE log = ? AND partition = ?'),
    putPosition: db.prepare('INSERT OR REPLACE INTO positions VALUES (?, ?, ?)'),
  }
}
