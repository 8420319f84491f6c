/** What a device gave since the last drain, and its counts: each reading and sample is counted here, once. */

import {
  type AbsenceReason,
  type BadFrame,
  type Columns,
  type EdgeCounts,
  emptyEdgeCounts,
  type Quality,
  qualityCodes,
  type Segment,
  type Value,
} from '@millrace/contract'
import { ownOr, setOwn } from '@millrace/platform'
import { type BadFrames, createBadFrames } from './bad-frames.ts'
import type { Scalar } from './scalars.ts'

/** All that one device gave since the last drain. `counts` are increments. */
export interface Drained {
  device: string
  columns: Columns
  bad: BadFrame[]
  counts: EdgeCounts
}

export interface GatheredLimits {
  readingsMax: number
  badFramesMax: number
  absencesMax: number
  textBytesMax: number
}

export class Gathered {
  readonly #limits: GatheredLimits
  readonly #bad: BadFrames
  #columns: Columns = { channels: {}, waves: {} }
  #counts = emptyEdgeCounts()
  #absences: NonNullable<Columns['absences']> = []
  /** Readings and samples in the columns. */
  #size = 0
  #isTouched = false
  #isFull = false

  constructor(limits: GatheredLimits) {
    this.#limits = limits
    this.#bad = createBadFrames(limits.badFramesMax)
  }

  isEmpty(): boolean {
    return this.#size === 0
  }

  /** Whether there is anything to hand over: be it a count. */
  isTouched(): boolean {
    return this.#isTouched
  }

  hasRoom(): boolean {
    return this.#size < this.#limits.readingsMax
  }

  /** Full until it is taken. @returns whether it was not before. */
  fill(): boolean {
    const isNew = !this.#isFull
    this.#isFull = true
    return isNew
  }

  addReading(scalar: Scalar, t: number, value: Value, quality: Quality): void {
    this.#isTouched = true
    this.#counts.read[0]++
    this.#size++
    scalar.column ??= ownOr(this.#columns.channels, scalar.name, () => ({ t: [], v: [] }))
    const { column } = scalar
    if (quality !== 'good') column.q ??= column.t.map(() => 0)
    column.t.push(t)
    column.v.push(value)
    column.q?.push(qualityCodes[quality])
  }

  /** The sample itself is in its segments. */
  countSample(): void {
    this.#isTouched = true
    this.#counts.read[1]++
    this.#size++
  }

  dropReading(): void {
    this.#isTouched = true
    this.#counts.read[0]++
    this.#counts.filtered[0]++
  }

  refuseReading(channel: string, why: string, atMs: number, value: Value): void {
    this.#counts.read[0]++
    this.#counts.rejected[0]++
    this.#addRefused(channel, why, atMs, value)
  }

  refuseSample(channel: string, why: string, atMs: number, value: Value): void {
    this.#counts.read[1]++
    this.#counts.rejected[1]++
    this.#addRefused(channel, why, atMs, value)
  }

  #addRefused(channel: string, why: string, atMs: number, value: Value): void {
    this.#isTouched = true
    this.#bad.add(atMs, `value:${channel}:${why}`, Buffer.from(`${value}`.slice(0, this.#limits.textBytesMax)))
  }

  frame(): void {
    this.#isTouched = true
    this.#counts.frames[0]++
  }

  badFrame(atMs: number, reason: string, bytes: Uint8Array): void {
    this.#isTouched = true
    this.#counts.frames[1]++
    this.#bad.add(atMs, reason, bytes)
  }

  addAbsence(absence: { channel: string; t: number; reason: AbsenceReason }): void {
    this.#isTouched = true
    if (this.#absences.length >= this.#limits.absencesMax) this.#absences.pop()
    this.#absences.push(absence)
  }

  addSegments(channel: string, segments: Segment[]): void {
    if (segments.length > 0) setOwn(this.#columns.waves, channel, segments)
  }

  take(device: string): Drained {
    if (this.#absences.length > 0) this.#columns.absences = this.#absences
    const drained = { device, columns: this.#columns, bad: this.#bad.take(), counts: this.#counts }
    this.#columns = { channels: {}, waves: {} }
    this.#counts = emptyEdgeCounts()
    this.#absences = []
    this.#size = 0
    this.#isTouched = this.#isFull = false
    return drained
  }
}
