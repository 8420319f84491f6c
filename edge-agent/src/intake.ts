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
import {
  type AbsenceReason,
  type BadFrame,
  type Channel,
  type Column,
  type Columns,
  type EdgeCounts,
  emptyEdgeCounts,
  type Quality,
  qualityCodes,
  type Value,
} from '@millrace/contract'
import { MillraceError } from '@millrace/platform'
import { createBadFrames } from './bad-frames.ts'
import type { Sink } from './decoders/decoder.ts'
import { createFilter, type Filter, type FilterConfig } from './filters/index.ts'
import { createSegments, type Segments } from './segments.ts'
import type { Stretches } from './stretches.ts'
import { createTimes } from './times.ts'
import { faultOf } from './values.ts'

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

/** All that one device gave since the last drain. `counts` are increments. */
export interface Drained {
  device: string
  columns: Columns
  bad: BadFrame[]
  counts: EdgeCounts
}

export interface Intake extends Sink {
  /** Nothing is known of the device from `fromMs` to its next reading. */
  gap(fromMs: number, reason: AbsenceReason): void
  /** Keeps the readings that filters let wait; before the last drain. */
  settle(): void
  /** Hands over what was gathered; undefined when there is nothing (more). Call it until then, or again at the next commit. */
  drain(): Drained | undefined
}

interface Held {
  t: number
  v: number
  quality: Quality
}

interface Scalar {
  name: string
  fault: (value: Value) => string | undefined
  filter: Filter | undefined
  lastMs: number
  quality: Quality
  /** The next reading ends an absence, or is the first: it passes the filter. */
  fresh: boolean
  held: Held | undefined
  column: Column | undefined
}

export function createIntake(around: {
  device: string
  channels: Channel[]
  filters?: Record<string, FilterConfig>
  limits?: Partial<IntakeLimits>
  /** Where readings of earlier runs have their times. */
  given?: Stretches
  /** The clock was set back. */
  onBack?: (byMs: number) => void
}): Intake {
  const limits = { ...intakeLimits, ...around.limits }
  /** A waveform's sample lies within half an interval of its time, which is rounded. */
  const besideMs = 1 + Math.max(0, ...around.channels.map(({ intervalMs = 0 }) => intervalMs / 2))
  const times = createTimes(around.given ?? [], { ...limits, besideMs, onBegin: startAnew, onBack: around.onBack })
  const scalars = new Map<string, Scalar>()
  const waves = new Map<string, { segments: Segments; fault: (value: Value) => string | undefined }>()
  for (const channel of around.channels) {
    const fault = faultOf(channel, limits.textBytesMax)
    if (channel.kind === 'waveform') waves.set(channel.name, { fault, segments: createSegments(channel.intervalMs ?? 1) })
    else scalars.set(channel.name, newScalar(channel, fault, filterOf(around.device, channel, around.filters)))
  }
  checkFilters(around.device, scalars, around.filters ?? {})

  const bad = createBadFrames(limits.badFramesMax)
  /** Gathered before the clock went back. */
  const earlier: Drained[] = []
  let columns: Columns = { channels: {}, waves: {} }
  let counts = emptyEdgeCounts()
  let gathered = 0
  let touched = false
  let isFull = false
  let absences: NonNullable<Columns['absences']> = []
  /** Of the whole device, while no reading has ended it. */
  let absence: AbsenceReason | undefined

  function refuse(kind: 0 | 1, channel: string, why: string, atMs: number, value: Value): void {
    touched = true
    counts.read[kind]++
    counts.rejected[kind]++
    bad.add(atMs, `value:${channel}:${why}`, Buffer.from(`${value}`.slice(0, limits.textBytesMax)))
  }

  /** Whether there is no room; the first time it is an absence. */
  function full(atMs: number): boolean {
    if (gathered < limits.readingsMax) return false
    if (!isFull) addAbsence('*', atMs, 'evicted')
    isFull = true
    return true
  }

  function put(scalar: Scalar, t: number, value: Value, quality: Quality): void {
    if (full(t)) return refuse(0, scalar.name, 'intake-full', t, value)
    touched = true
    counts.read[0]++
    gathered++
    scalar.column ??= columns.channels[scalar.name] = { t: [], v: [] }
    const { column } = scalar
    if (quality !== 'good') column.q ??= column.t.map(() => 0)
    column.t.push(t)
    column.v.push(value)
    column.q?.push(qualityCodes[quality])
  }

  function drop(): void {
    touched = true
    counts.read[0]++
    counts.filtered[0]++
  }

  function startAnew(): void {
    settle()
    if (gathered > 0) earlier.push(close()!)
    for (const scalar of scalars.values()) scalar.lastMs = Number.NEGATIVE_INFINITY
    for (const { segments } of waves.values()) segments.reset()
  }

  function filtered(scalar: Scalar, filter: Filter, t: number, v: number, quality: Quality): void {
    if (scalar.fresh || quality !== scalar.quality) {
      settleOne(scalar)
      filter.restart(t, v)
      return put(scalar, t, v, quality)
    }
    const verdict = filter.step(t, v)
    if (verdict === 'drop') return drop()
    if (verdict === 'keep-held' || verdict === 'keep-both') settleOne(scalar)
    else if (scalar.held) drop()
    scalar.held = verdict === 'keep' || verdict === 'keep-both' ? undefined : { t, v, quality }
    if (!scalar.held) put(scalar, t, v, quality)
  }

  function settleOne(scalar: Scalar): void {
    const { held } = scalar
    scalar.held = undefined
    if (held) put(scalar, held.t, held.v, held.quality)
  }

  function settle(): void {
    for (const scalar of scalars.values()) settleOne(scalar)
  }

  /** Not before the newest reading, which would end it at once for whoever closes it at the next one; unless the next is before it, too. */
  function addAbsence(channel: string, atMs: number, reason: AbsenceReason): void {
    touched = true
    if (absences.length >= limits.absencesMax) absences.pop()
    absences.push({ channel, t: Math.ceil(times.isWithin(atMs) ? Math.max(atMs, newestMs(channel)) : atMs), reason })
  }

  function newestMs(channel: string): number {
    let newest = Number.NEGATIVE_INFINITY
    for (const { name, lastMs } of scalars.values()) if (channel === '*' || channel === name) newest = Math.max(newest, lastMs)
    for (const [name, { segments }] of waves) if (channel === '*' || channel === name) newest = Math.max(newest, segments.endMs())
    return newest
  }

  function close(): Drained | undefined {
    if (!touched) return undefined
    for (const [name, { segments }] of waves) {
      const taken = segments.take()
      if (taken.length > 0) columns.waves[name] = taken
    }
    if (absences.length > 0) columns.absences = absences
    const drained = { device: around.device, columns, bad: bad.take(), counts }
    for (const scalar of scalars.values()) scalar.column = undefined
    columns = { channels: {}, waves: {} }
    counts = emptyEdgeCounts()
    absences = []
    gathered = 0
    touched = isFull = false
    return drained
  }

  return {
    frame() {
      touched = true
      counts.frames[0]++
    },
    reading(channel, atMs, value, quality = 'good') {
      const scalar = scalars.get(channel)
      if (!scalar) return refuse(0, channel, 'unknown-channel', atMs, value)
      const fault = scalar.fault(value)
      if (fault !== undefined) return refuse(0, channel, fault, atMs, value)
      const wholeMs = Math.round(atMs)
      const t = times.give(wholeMs, scalar.lastMs, 1)
      if (t === undefined) return refuse(0, channel, 'time', atMs, value)
      scalar.lastMs = t
      absence = undefined
      if (scalar.filter) filtered(scalar, scalar.filter, t, value as number, quality)
      else put(scalar, t, value, quality)
      scalar.fresh = false
      scalar.quality = quality
    },
    sample(channel, atMs, value) {
      const wave = waves.get(channel)
      const fault = wave ? wave.fault(value) : 'unknown-channel'
      if (fault !== undefined) return refuse(1, channel, fault, atMs, value)
      if (full(atMs)) return refuse(1, channel, 'intake-full', atMs, value)
      const { segments } = wave!
      const t = times.give(atMs, segments.endMs(), segments.stepMs)
      if (t === undefined) return refuse(1, channel, 'time', atMs, value)
      absence = undefined
      touched = true
      counts.read[1]++
      gathered++
      segments.add(t, value)
    },
    absent(channel, atMs, reason) {
      if (channel === '*') {
        if (reason === absence) return
        absence = reason
      }
      for (const scalar of channel === '*' ? scalars.values() : [scalars.get(channel)]) {
        if (!scalar) continue
        settleOne(scalar)
        scalar.fresh = true
      }
      addAbsence(channel, atMs, reason)
    },
    bad(atMs, reason, bytes) {
      touched = true
      counts.frames[1]++
      bad.add(atMs, reason, bytes)
    },
    gap(fromMs, reason) {
      this.absent('*', fromMs, reason)
    },
    settle,
    drain: () => earlier.shift() ?? close(),
  }
}

function newScalar(channel: Channel, fault: Scalar['fault'], filter: Filter | undefined): Scalar {
  const never = Number.NEGATIVE_INFINITY
  return { name: channel.name, fault, filter, lastMs: never, quality: 'good', fresh: true, held: undefined, column: undefined }
}

function filterOf(device: string, channel: Channel, filters: Record<string, FilterConfig> = {}): Filter | undefined {
  const config = filters[channel.name]
  if (!config) return undefined
  if (channel.kind === 'number') return createFilter(config, channel)
  throw wrongFilter(device, channel.name, `is of kind ${channel.kind}; filters are for numbers`)
}

function checkFilters(device: string, scalars: Map<string, Scalar>, filters: Record<string, FilterConfig>): void {
  for (const name of Object.keys(filters))
    if (!scalars.has(name)) throw wrongFilter(device, name, `is no channel; there are ${[...scalars.keys()].join(', ')}`)
}

function wrongFilter(device: string, channel: string, why: string): MillraceError {
  return new MillraceError('CONFIG_INVALID', { path: `devices.${device}.filters`, detail: `${channel} ${why}` })
}
