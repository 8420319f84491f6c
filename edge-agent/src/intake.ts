/**
 * What a decoder gives becomes columns: filtered, checked against its channel, counted. The agent drains it at each commit.
 *
 * - Every reading and sample ends in exactly one place: read = batched + filtered + rejected. Refused is what is of another
 *   type than its channel's, out of its datatype's range, no number, of no known channel, or too much (`readingsMax`); each
 *   is in `bad` with its reason (`value:<channel>:<why>`) and its text.
 * - No millisecond of a channel is given twice, see times.ts; what has no time left is refused. Where another stretch of time
 *   begins, what was gathered so far is handed over apart, in a drain of its own: within a drain a channel's times rise.
 * - At the bound `readingsMax` readings are refused until the next drain, and the absence is recorded as `evicted`.
 * - A swinging door's newest reading waits uncounted, until its fate is known; `settle` decides it.
 */
import type { AbsenceReason, Channel, Quality, Value } from '@millrace/contract'
import type { Sink } from './decoders/decoder.ts'
import type { FilterConfig } from './filters/index.ts'
import { type Drained, Gathered } from './gathered.ts'
import { createScalars, type Scalar } from './scalars.ts'
import { createSegments, type Segments } from './segments.ts'
import type { Stretches } from './stretches.ts'
import { createTimes, type Times } from './times.ts'
import { faultOf } from './values.ts'

export type { Drained }

export interface IntakeLimits {
  /** Readings and samples gathered between two drains. */
  readingsMax: number
  badFramesMax: number
  absencesMax: number
  textBytesMax: number
  aheadMsMax: number
  backMsMax: number
}

const intakeLimits: IntakeLimits = {
  readingsMax: 200_000,
  badFramesMax: 100,
  absencesMax: 1000,
  textBytesMax: 1024,
  aheadMsMax: 10_000,
  backMsMax: 1000,
}

export interface Intake extends Sink {
  /** Good frames so far. */
  readonly frames: number
  /** Nothing is known of the device from `fromMs` to its next reading. */
  gap(fromMs: number, reason: AbsenceReason): void
  /** Keeps the readings that filters let wait; before the last drain. */
  settle(): void
  /** Hands over what was gathered; undefined when there is nothing (more). Call it until then, or again at the next commit. */
  drain(): Drained | undefined
}

export interface IntakeOptions {
  device: string
  channels: Channel[]
  filters?: Record<string, FilterConfig>
  limits?: Partial<IntakeLimits>
  /** Where readings of earlier runs have their times. */
  given?: Stretches
  /** The clock was set back. */
  onBack?: (byMs: number) => void
  /** The decoder refuses its configuration. */
  onRefuse?: (why: string) => void
}

export function createIntake(options: IntakeOptions): Intake {
  return new DeviceIntake(options)
}

interface Wave {
  segments: Segments
  fault(value: Value): string | undefined
}

class DeviceIntake implements Intake {
  frames = 0
  readonly #onRefuse: (why: string) => void
  readonly #device: string
  readonly #scalars: Map<string, Scalar>
  readonly #waves: Map<string, Wave>
  readonly #times: Times
  readonly #gathered: Gathered
  /** Gathered before the clock went back. */
  readonly #earlier: Drained[] = []
  /** Of the whole device, while no reading has ended it. */
  #absence: AbsenceReason | undefined = undefined

  constructor({ device, channels, filters = {}, limits: changed, given = [], onBack, onRefuse = () => {} }: IntakeOptions) {
    this.#onRefuse = onRefuse
    const limits = { ...intakeLimits, ...changed }
    this.#device = device
    this.#scalars = createScalars(device, channels, filters, limits.textBytesMax)
    this.#waves = createWaves(channels, limits.textBytesMax)
    this.#gathered = new Gathered(limits)
    /** A waveform's sample lies within half an interval of its time, which is rounded. */
    const besideMs = 1 + Math.max(0, ...channels.map(({ intervalMs = 0 }) => intervalMs / 2))
    this.#times = createTimes(given, { ...limits, besideMs, onBegin: () => this.#begin(), onBack })
  }

  frame(): void {
    this.frames++
    this.#gathered.frame()
  }

  reading(channel: string, atMs: number, value: Value, quality: Quality = 'good'): void {
    const scalar = this.#scalars.get(channel)
    if (!scalar) return this.#gathered.refuseReading(channel, 'unknown-channel', atMs, value)
    const fault = scalar.fault(value)
    if (fault !== undefined) return this.#gathered.refuseReading(channel, fault, atMs, value)
    const t = this.#times.give(Math.round(atMs), scalar.lastMs, 1)
    if (t === undefined) return this.#gathered.refuseReading(channel, 'time', atMs, value)
    scalar.lastMs = t
    this.#absence = undefined
    if (scalar.filter) this.#filter(scalar, t, value as number, quality)
    else this.#put(scalar, t, value, quality)
    scalar.fresh = false
    scalar.quality = quality
  }

  #filter(scalar: Scalar, t: number, v: number, quality: Quality): void {
    const filter = scalar.filter!
    if (scalar.fresh || quality !== scalar.quality) {
      this.#settleOne(scalar)
      filter.restart(t, v)
      return this.#put(scalar, t, v, quality)
    }
    const verdict = filter.step(t, v)
    if (verdict === 'drop') return this.#gathered.dropReading()
    if (verdict === 'keep-held' || verdict === 'keep-both') this.#settleOne(scalar)
    else if (scalar.held) this.#gathered.dropReading()
    scalar.held = verdict === 'keep' || verdict === 'keep-both' ? undefined : { t, v, quality }
    if (!scalar.held) this.#put(scalar, t, v, quality)
  }

  #put(scalar: Scalar, t: number, value: Value, quality: Quality): void {
    if (this.#isFull(t)) return this.#gathered.refuseReading(scalar.name, 'intake-full', t, value)
    this.#gathered.addReading(scalar, t, value, quality)
  }

  /** Whether there is no room; the first time it is an absence. */
  #isFull(atMs: number): boolean {
    if (this.#gathered.hasRoom()) return false
    if (this.#gathered.fill()) this.#addAbsence('*', atMs, 'evicted')
    return true
  }

  sample(channel: string, atMs: number, value: number): void {
    const wave = this.#waves.get(channel)
    const fault = wave ? wave.fault(value) : 'unknown-channel'
    if (fault !== undefined) return this.#gathered.refuseSample(channel, fault, atMs, value)
    if (this.#isFull(atMs)) return this.#gathered.refuseSample(channel, 'intake-full', atMs, value)
    const { segments } = wave!
    const t = this.#times.give(atMs, segments.endMs(), segments.stepMs)
    if (t === undefined) return this.#gathered.refuseSample(channel, 'time', atMs, value)
    this.#absence = undefined
    this.#gathered.countSample()
    segments.add(t, value)
  }

  bad(atMs: number, reason: string, bytes: Uint8Array): void {
    this.#gathered.badFrame(atMs, reason, bytes)
  }

  refuse(why: string): void {
    this.#onRefuse(why)
  }

  gap(fromMs: number, reason: AbsenceReason): void {
    this.absent('*', fromMs, reason)
  }

  absent(channel: string, atMs: number, reason: AbsenceReason): void {
    if (channel === '*') {
      if (reason === this.#absence) return
      this.#absence = reason
    }
    for (const scalar of channel === '*' ? this.#scalars.values() : [this.#scalars.get(channel)]) {
      if (!scalar) continue
      this.#settleOne(scalar)
      scalar.fresh = true
    }
    this.#addAbsence(channel, atMs, reason)
  }

  /** Not before the newest reading, since a reader that closes it at the next reading would end it at once; unless the next is before it too. */
  #addAbsence(channel: string, atMs: number, reason: AbsenceReason): void {
    const fromMs = this.#times.isWithin(atMs) ? Math.max(atMs, this.#newestMs(channel)) : atMs
    this.#gathered.addAbsence({ channel, t: Math.ceil(fromMs), reason })
  }

  #newestMs(channel: string): number {
    const isMeant = (name: string) => channel === '*' || channel === name
    let newest = Number.NEGATIVE_INFINITY
    for (const { name, lastMs } of this.#scalars.values()) if (isMeant(name)) newest = Math.max(newest, lastMs)
    for (const [name, { segments }] of this.#waves) if (isMeant(name)) newest = Math.max(newest, segments.endMs())
    return newest
  }

  settle(): void {
    for (const scalar of this.#scalars.values()) this.#settleOne(scalar)
  }

  #settleOne(scalar: Scalar): void {
    const { held } = scalar
    scalar.held = undefined
    if (held) this.#put(scalar, held.t, held.v, held.quality)
  }

  /** Another stretch of time begins. */
  #begin(): void {
    this.settle()
    if (!this.#gathered.isEmpty()) this.#earlier.push(this.#close()!)
    for (const scalar of this.#scalars.values()) scalar.lastMs = Number.NEGATIVE_INFINITY
    for (const { segments } of this.#waves.values()) segments.reset()
  }

  drain(): Drained | undefined {
    return this.#earlier.shift() ?? this.#close()
  }

  #close(): Drained | undefined {
    if (!this.#gathered.isTouched()) return undefined
    for (const [name, { segments }] of this.#waves) this.#gathered.addSegments(name, segments.take())
    for (const scalar of this.#scalars.values()) scalar.column = undefined
    return this.#gathered.take(this.#device)
  }
}

function createWaves(channels: Channel[], textBytesMax: number): Map<string, Wave> {
  const waves = new Map<string, Wave>()
  for (const channel of channels) {
    if (channel.kind !== 'waveform') continue
    waves.set(channel.name, { fault: faultOf(channel, textBytesMax), segments: createSegments(channel.intervalMs ?? 1) })
  }
  return waves
}
