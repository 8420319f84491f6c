/** One transaction of timeline records: rows, counts, marks and position together, or nothing. */
import type { DatabaseSync } from 'node:sqlite'
import type { TimelineRecord } from '@millrace/contract'
import { isAbove } from '../../log/source-order.ts'
import { timeAfter } from '../../stage/tick-time.ts'
import { createCounts } from './counts.ts'
import { createCuts } from './cuts.ts'
import { createDevices } from './devices.ts'
import { createExpiry } from './expiry.ts'
import { createGaps } from './gaps.ts'
import { createHours, type Hour } from './hours.ts'
import { columnsPerRecord, type Done, type Records } from './protocol.ts'
import { createReadings } from './readings.ts'

export interface ApplyOptions {
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

export function createApply(db: DatabaseSync, options: ApplyOptions) {
  const devices = createDevices(db, options.devicesInMemory)
  const hours = createHours(db)
  const counts = createCounts(db, options.devicesInMemory * 2)
  const putReadings = createReadings(db, devices, hours, counts)
  const gaps = createGaps(db, devices)
  const cuts = createCuts(db, devices, counts)
  const expiry = createExpiry(db, devices, counts, cuts, options.retention.days)
  const putEvent = db.prepare('INSERT INTO events (device, atMs, level, code, text) VALUES (?, ?, ?, ?, ?)')
  const dropEvents = db.prepare('DELETE FROM events WHERE id <= ?')
  const findMark = db.prepare('SELECT offset, seq AS "index" FROM marks WHERE partition = ? AND log = ? AND source = ?')
  const putMark = db.prepare('INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?, ?)')
  const findPosition = db.prepare('SELECT next FROM positions WHERE log = ? AND partition = ?')
  const putPosition = db.prepare('INSERT OR REPLACE INTO positions VALUES (?, ?, ?)')
  const bad = new Map<string, string>()
  let nowMs = 0

  function apply(record: TimelineRecord, done: Done): void {
    if (record.k === 'readings') {
      const { device, written } = putReadings(record)
      if (device.openGaps.length > 0) gaps.close(device, record)
      for (const hour of written) options.wrote(hour, nowMs)
      for (const channel in record.channels) done.readings! += record.channels[channel]!.t.length
      for (const channel in record.waves) for (const { v } of record.waves[channel]!) done.samples! += v.length
    } else if (record.k === 'tick') {
      if (nowMs === 0) cuts.date(record.atMs)
      nowMs = timeAfter(nowMs, record)
      expiry.tick(nowMs)
    } else if (record.k === 'gap') gaps.open(record)
    else if (record.k === 'declaration') devices.declare(record)
    else if (record.k === 'birth' || record.k === 'death') devices.live(record)
    else if (record.k === 'cut') cuts.put(record, nowMs)
    else if (record.k === 'event') addEvent(record.device, record.atMs, record.level, record.code, record.text)
  }

  function addEvent(device: string, atMs: number, level: string, code: string, text: string): void {
    const id = Number(putEvent.run(device, atMs, level, code, text).lastInsertRowid)
    if (id % 100 === 0) dropEvents.run(id - options.eventsMax)
  }

  function applyAll({ partition, values, columns, sourceLogs }: Records, log: string): Done {
    const bytes = Buffer.from(values.buffer, values.byteOffset, values.length)
    const done: Done = { readings: 0, samples: 0, repeats: 0, bad: [] }
    const marks = new Map<string, Mark>()
    let next = (findPosition.get(log, partition) as { next: number } | undefined)?.next ?? 0
    for (let at = 0, from = 0; at < columns.length; at += columnsPerRecord) {
      const to = columns[at]!
      const offset = columns[at + 1]!
      if (offset >= next) {
        next = offset + 1
        if (isNew(partition, columns, at + 2, sourceLogs, marks))
          takeOne(bytes.toString('utf8', from, to), partition, offset, done)
        else done.repeats!++
      } else done.repeats!++
      from = to
    }
    counts.write()
    for (const [key, { offset, index }] of marks) {
      const [source, id] = JSON.parse(key) as [number, string]
      putMark.run(partition, id, source, offset, index)
    }
    putPosition.run(log, partition, next)
    return done
  }

  function takeOne(text: string, partition: number, offset: number, done: Done): void {
    const detail = bad.get(`${partition} ${offset}`)
    if (detail !== undefined) {
      done.bad!.push({ offset, detail })
      addEvent('', nowMs, 'error', 'STORE_RECORD', `Timeline record ${offset} cannot be read: ${detail}`)
      return
    }
    try {
      apply(JSON.parse(text), done)
    } catch (cause) {
      throw (cause as { errcode?: number }).errcode === undefined ? new BadRecord(partition, offset, `${cause}`) : cause
    }
  }

  function isNew(partition: number, columns: Float64Array, at: number, sourceLogs: string[], marks: Map<string, Mark>): boolean {
    if (columns[at + 3]! < 0) return true
    const source = columns[at]!
    const log = sourceLogs[columns[at + 3]!]!
    const key = JSON.stringify([source, log])
    let mark = marks.get(key)
    if (!mark) {
      mark = (findMark.get(partition, log, source) as Mark | undefined) ?? { offset: -1, index: -1 }
      marks.set(key, mark)
    }
    const offset = columns[at + 1]!
    const index = columns[at + 2]!
    if (!isAbove(offset, index, mark.offset, mark.index)) return false
    mark.offset = offset
    mark.index = index
    return true
  }

  return {
    applyAll,
    expiry,
    addEvent: (level: string, code: string, text: string) => addEvent('', nowMs, level, code, text),
    nowMs: () => nowMs,
    /** After a transaction was undone: what is in memory may not be in the file. */
    forget(): void {
      counts.forget()
      devices.forget()
    },
    /** Until the transaction succeeds, the record is left out. */
    leaveOut({ partition, offset, message }: BadRecord): void {
      bad.set(`${partition} ${offset}`, message)
    },
    succeeded: () => bad.clear(),
    forgetHour: devices.forgetHour,
  }
}
