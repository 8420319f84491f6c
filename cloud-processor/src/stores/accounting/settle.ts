/**
 * Second pass, after the points were written: counts, cuts, gaps and the rest in the order of the timeline, so that each cut is
 * compared with the counts of exactly its place. Returns what is to be written for readers to see.
 */
import {
  addTally,
  type CutRecord,
  type DamageRecord,
  type DeclarationRecord,
  type EventRecord,
  type GapTimelineRecord,
  type ReadingsRecord,
  type Tally,
  type TimelineRecord,
  timeSpan,
} from '@millrace/contract'
import type { LedgerRow, StoredCorrection, StoredEvent } from '../store.ts'
import { timesOf } from './collapse.ts'
import { damagesMax, lostAt, textOf } from './damage.ts'
import { firstAfter } from './gap-ends.ts'
import { rowOf } from './ledger.ts'
import { type AccountState, type Decisions, type DeviceState, type OpenGap, type StreamCount, streamOf } from './state.ts'
import { decisionKey, nameOf, type Piece } from './survey.ts'
import type { Taken } from './take.ts'

export interface Summaries {
  ledger: { row: LedgerRow; atMs: number; versionMs: number }[]
  /** `endsBy`: readings that are stored already ended it, at this time or before; the engine knows. */
  gaps: { device: string; gap: OpenGap; endsBy?: number | undefined }[]
  corrections: StoredCorrection[]
  events: (StoredEvent & { offset: number })[]
  /** Declared again or moved to another subject. */
  devices: Map<string, number>
  /** Devices whose totals changed. */
  totals: Map<string, number>
}

/** A record, and the pieces that its readings were cut into. */
export interface Step {
  taken: Taken
  pieces: Piece[]
}

export interface Settling {
  decisions: Decisions
  /** Readings and samples of a piece, by their place in it, that the engine refused for good. */
  refused: Map<Piece, Set<number>>
  resolutionMs: number
}

/** Gaps of a device that a reading may still close or shorten. */
const openGapsMax = 50
const dayMs = 86_400_000
const hourMs = 3_600_000

export const noSummaries = (): Summaries => ({
  ledger: [],
  gaps: [],
  corrections: [],
  events: [],
  devices: new Map(),
  totals: new Map(),
})

export function settle(state: AccountState, { taken, pieces }: Step, settling: Settling, out: Summaries): void {
  const { record } = taken
  if (record.k === 'readings') {
    for (const piece of pieces) count(state, piece, settling)
    if (pieces.length > 0) out.totals.set(record.device, taken.versionMs)
    endGaps(state.devices.get(record.device)!, record, out)
    if (record.clock) tellCorrection(record, record.clock, out)
  } else if (record.k === 'tick') forget(state, taken.nowMs)
  else if (record.k === 'gap') openGap(state.devices.get(record.device)!, record, out)
  else if (record.k === 'cut') cut(state, record, taken, out)
  else if (record.k === 'event') out.events.push(lineOf(record, taken.offset))
  else if (record.k === 'damage') takeDamage(state, record, taken, out)
}

/** Before the pieces are surveyed: what is declared decides how values are written. Returns whether readers have to be told. */
export function declare(device: DeviceState, record: TimelineRecord & { subject: string }): boolean {
  const { subject } = record
  // What comes late says whom it measured then.
  const isMoved = !(record.k === 'readings' && record.hist) && device.subject !== subject
  if (isMoved) device.subject = subject
  if (record.k === 'birth' || record.k === 'death') device.node = record.node
  if (record.k !== 'declaration') return isMoved
  const isNew = device.node !== record.node || JSON.stringify(device.channels) !== JSON.stringify(record.channels)
  redeclare(device, record)
  return isMoved || isNew
}

function redeclare(device: DeviceState, { node, channels }: DeclarationRecord): void {
  device.node = node
  device.channels = channels
}

function count(state: AccountState, piece: Piece, { decisions, refused, resolutionMs }: Settling): void {
  const kind = piece.points ? 0 : 1
  const bad = refused.get(piece)
  const held = (piece.isSuspect && decisions.collapsed.get(decisionKey(piece))) || []
  const badNames = bad && new Set([...timesOf(piece)].filter((_, k) => bad.has(k)).map((t) => nameOf(t, resolutionMs)))
  const collapsed = badNames ? held.filter(([name]) => !badNames.has(name)).length : held.length
  const rejected = piece.isTooFine ? piece.count : (badNames?.size ?? 0)
  const { total } = state.devices.get(piece.device)!
  const stream = streamOf(state, piece.stream, piece.device)
  const stored = piece.count - collapsed - rejected
  total.stored[kind] += stored
  stream.stored[kind] += stored
  total.collapsed[kind] += collapsed + piece.repeats
  stream.collapsed[kind] += collapsed + piece.repeats
  total.rejected[kind] += rejected
  stream.rejected[kind] += rejected
  if (stored + collapsed === 0) return
  total.firstMs = total.firstMs === 0 ? piece.first : Math.min(total.firstMs, piece.first)
  total.lastMs = Math.max(total.lastMs, piece.last)
}

/** Streams that were closed a day ago get nothing any more: their rows stay in the engine. */
function forget(state: AccountState, nowMs: number): void {
  const hour = Math.floor(nowMs / hourMs)
  if (hour === state.forgotHour) return
  state.forgotHour = hour
  for (const [key, { closedMs }] of state.streams) if (closedMs > 0 && closedMs < nowMs - dayMs) state.streams.delete(key)
}

function cut(state: AccountState, record: CutRecord, { versionMs, nowMs }: Taken, out: Summaries): void {
  const { node, stream, through, closed, devices } = record
  for (const device in devices) {
    const counted = streamOf(state, stream, device)
    if (closed) counted.closedMs = nowMs
    const row = rowWithLost(state, { node, device, stream, through, closed, counts: devices[device]! }, counted, out)
    out.ledger.push({ row, atMs: nowMs, versionMs })
  }
}

function rowWithLost(state: AccountState, cut: Parameters<typeof rowOf>[0], counted: StreamCount, out: Summaries): LedgerRow {
  const { damages = [], nowMs } = state
  const rowNow = () => rowOf(cut, { ...counted, expired: none() })
  const row = rowNow()
  if (damages.length === 0) return row
  const found = lostAt(row, counted.cut && { difference: counted.cut.missing, atMs: counted.cut.atMs }, damages, nowMs)
  if (found) {
    counted.lost ??= none()
    addTally(counted.lost, found.lost)
    const { fromMs, toMs } = found.by
    const gap: OpenGap = { channel: '*', reason: 'damaged', fromMs, toMs, lost: found.lost, revision: 0 }
    out.gaps.push({ device: cut.device, gap })
  }
  const now = found ? rowNow() : row
  counted.cut = { missing: now.difference, atMs: nowMs }
  return now
}

function takeDamage(state: AccountState, damage: DamageRecord, { offset }: Taken, out: Summaries): void {
  const { fromMs, toMs } = damage
  state.damages = [...(state.damages ?? []), { fromMs, toMs }].slice(-damagesMax)
  out.events.push({ offset, device: '', atMs: toMs, level: 'error', code: 'LOG_DAMAGED', text: textOf(damage) })
}

function openGap(device: DeviceState, record: GapTimelineRecord, out: Summaries): void {
  const { channel = '*', reason, fromMs, toMs, lost } = record
  const isSame = (gap: OpenGap) => gap.channel === channel && gap.reason === reason && gap.fromMs === fromMs
  const known = device.openGaps.find(isSame)
  const gap: OpenGap = { channel, reason, fromMs, revision: known ? known.revision + 1 : 0 }
  if (toMs !== undefined) gap.toMs = toMs
  if (lost) gap.lost = lost
  device.openGaps = device.openGaps.filter((one) => one !== known)
  if (toMs === undefined) {
    device.openGaps.unshift(gap)
    if (device.openGaps.length > openGapsMax) device.openGaps.pop()
  }
  out.gaps.push({ device: record.device, gap, endsBy: toMs === undefined ? writtenBy(device, channel, fromMs) : undefined })
}

/** Until this time something was written after `fromMs`: the start of the next stretch, or the end of the one that it lies in. */
function writtenBy(device: DeviceState, channel: string, fromMs: number): number | undefined {
  let by: number | undefined
  for (const series of [device.points, device.waves])
    for (const [name, { written }] of series)
      if (channel === '*' || name === '*' || name === channel) {
        const next = written.find((edge) => edge > fromMs)
        if (next !== undefined && !(next >= by!)) by = next
      }
  return by
}

/** Readings end open gaps; backlog shortens those that a later reading had ended. */
function endGaps(device: DeviceState, record: ReadingsRecord, out: Summaries): void {
  for (const gap of device.openGaps) {
    const t = firstAfter(record, gap)
    if (t === undefined || (gap.toMs !== undefined && gap.toMs <= t)) continue
    gap.toMs = t
    gap.revision++
    out.gaps.push({ device: record.device, gap })
  }
}

function tellCorrection(
  { device, channels, waves }: ReadingsRecord,
  clock: NonNullable<ReadingsRecord['clock']>,
  out: Summaries,
): void {
  const span = timeSpan({ channels, waves })
  if (span) out.corrections.push({ device, fromMs: Math.floor(span.first), toMs: Math.ceil(span.last), ...clock })
}

const lineOf = ({ device, atMs, level, code, text }: EventRecord, offset: number) => ({ offset, device, atMs, level, code, text })
const none = (): Tally => [0, 0]
