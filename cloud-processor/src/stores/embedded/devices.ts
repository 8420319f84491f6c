/** Devices and their series, kept in memory for writing up to a bound. */
import type { DatabaseSync } from 'node:sqlite'
import type { BirthRecord, DeclarationRecord } from '@millrace/contract'
import type { Device, OpenGap, Series } from './hours.ts'

/** Gaps of a device that a reading may still close or shorten. */
const openGapsMax = 50

export class Devices {
  readonly #sql: ReturnType<typeof prepare>
  readonly #devicesMax: number
  readonly #byName = new Map<string, Device>()

  constructor(db: DatabaseSync, devicesMax: number) {
    this.#sql = prepare(db)
    this.#devicesMax = devicesMax
  }

  /** A device not seen before is added; without a subject it is its own. */
  of(name: string, subject?: string): Device {
    let device = this.#byName.get(name)
    if (!device) {
      device = this.#load(name, subject)
      this.#byName.set(name, device)
      if (this.#byName.size > this.#devicesMax) this.#byName.delete(this.#byName.keys().next().value!)
    }
    if (subject !== undefined && subject !== device.subject) {
      this.#sql.setSubject.run(subject, device.id)
      device.subject = subject
    }
    return device
  }

  #load(name: string, subject: string | undefined): Device {
    const known = this.#sql.find.get(name) as { id: number; subject: string; keptFrom: number } | undefined
    const id = known?.id ?? Number(this.#sql.add.run(name, subject ?? name).lastInsertRowid)
    const device: Device = {
      id,
      name,
      subject: known?.subject ?? subject ?? name,
      keptFrom: known?.keptFrom ?? 0,
      points: new Map(),
      waves: new Map(),
      hours: new Map(),
      openGaps: this.#sql.gapsOf.all(id) as unknown as OpenGap[],
    }
    for (const row of this.#sql.seriesOf.all(id) as unknown as { id: number; channel: string; wave: number }[])
      (row.wave ? device.waves : device.points).set(row.channel, { ...row, wave: row.wave === 1 })
    return device
  }

  series(device: Device, channel: string, wave: boolean): Series {
    const known = wave ? device.waves : device.points
    let series = known.get(channel)
    if (!series) {
      series = { id: Number(this.#sql.addSeries.run(device.id, channel, wave ? 1 : 0).lastInsertRowid), channel, wave }
      known.set(channel, series)
    }
    return series
  }

  declare({ device, subject, node, channels }: DeclarationRecord): void {
    this.#sql.setChannels.run(node, JSON.stringify(channels), this.of(device, subject).id)
  }

  live({ k, device, subject, node, atMs, reason }: BirthRecord): void {
    this.#sql.setState.run(node, k, atMs, reason, this.of(device, subject).id)
  }

  /** Everything before that day has expired. */
  keepFrom(id: number, day: number): void {
    const { device, keptFrom } = this.#sql.setKeptFrom.get(day, id) as { device: string; keptFrom: number }
    const known = this.#byName.get(device)
    if (known) known.keptFrom = keptFrom
  }

  addOpenGap(device: Device, gap: OpenGap): void {
    device.openGaps.unshift(gap)
    if (device.openGaps.length > openGapsMax) device.openGaps.pop()
  }

  /** Its batches were merged: what is in memory of them is no longer so. */
  forgetHour(id: number, hour: number): void {
    for (const device of this.#byName.values()) if (device.id === id) device.hours.delete(hour)
  }

  forget(): void {
    this.#byName.clear()
  }
}

function prepare(db: DatabaseSync) {
  return {
    find: db.prepare('SELECT id, subject, keptFrom FROM devices WHERE device = ?'),
    add: db.prepare('INSERT INTO devices (device, subject) VALUES (?, ?)'),
    seriesOf: db.prepare('SELECT id, channel, wave FROM series WHERE device = ?'),
    addSeries: db.prepare('INSERT INTO series (device, channel, wave) VALUES (?, ?, ?)'),
    setSubject: db.prepare('UPDATE devices SET subject = ? WHERE id = ?'),
    setChannels: db.prepare('UPDATE devices SET node = ?, channels = ? WHERE id = ?'),
    setState: db.prepare('UPDATE devices SET node = ?, state = ?, stateMs = ?, reason = ? WHERE id = ?'),
    setKeptFrom: db.prepare('UPDATE devices SET keptFrom = max(keptFrom, ?) WHERE id = ? RETURNING device, keptFrom'),
    gapsOf: db.prepare(
      `SELECT id, channel, fromMs, toMs FROM gaps WHERE device = ? AND open = 1 ORDER BY fromMs DESC LIMIT ${openGapsMax}`,
    ),
  }
}
