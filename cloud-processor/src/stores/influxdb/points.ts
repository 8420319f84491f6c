/** Pieces of readings as lines, and where each line came from. */
import type { Channel, Segment } from '@millrace/contract'
import type { ErrorCode } from '@millrace/platform'
import { cutSegment, type Decisions, decisionKey, nameOf, type Piece } from '../accounting/index.ts'
import type { Traits } from './dialects/dialect.ts'
import { isTag, quoteText, seriesPrefix, timeOf } from './line.ts'
import { createLines, type Lines, type LineWriter } from './lines.ts'
import { type Physical, physicalOf } from './physical.ts'
import { reading, revisionTag, wave, waveSegment } from './schema.ts'

/** Where a line came from: its piece, and the place of its reading in the piece; -1 for a line that is not a reading. */
export interface Origins {
  piece: Piece[]
  place: number[]
}

/** A reading that is not in the engine and never will be. */
export interface Unwritable {
  piece: Piece
  place: number
  code: ErrorCode
  detail: string
  /** Where there is one. */
  line?: string
}

export interface PointLines {
  lines: Lines
  origins: Origins
  unwritable: Unwritable[]
}

/** A longer segment is written as several: a reader looks so far back for the segment that a sample belongs to. */
export const segmentMsMax = 600_000
const devicesMax = 20_000

/** What lies outside has no place in the engine. */
export interface KeptTime {
  fromMs: number
  toMs: number
}

/** How points are spelled for one engine, and what of it was spelled before. */
interface Spelling {
  traits: Traits
  /** Beginnings of lines, by device and channel. */
  prefixes: Map<string, Map<string, Uint8Array>>
  physicals: WeakMap<Channel, Physical>
  timesPerMs: number
  /** Behind whole milliseconds. */
  zeros: string
}

interface Writing extends PointLines {
  lines: LineWriter
  spelling: Spelling
  piece: Piece
  prefix: Uint8Array
  physical: Physical
  /** Revisions of times that are written again, where an engine cannot replace them. */
  revisions: Map<number, number> | undefined
  kept: KeptTime
  saysQuality: boolean
}

export function createPoints(traits: Traits) {
  const spelling: Spelling = {
    ...{ traits, prefixes: new Map(), physicals: new WeakMap() },
    ...(traits.precision === 'us' ? { timesPerMs: 1000, zeros: '000' } : { timesPerMs: 1, zeros: '' }),
  }
  return (pieces: Piece[], decisions: Decisions, keptAt: (nowMs: number) => KeptTime): PointLines => {
    const made = { lines: createLines(), origins: { piece: [], place: [] }, unwritable: [] }
    for (const piece of pieces) {
      if (piece.isTooFine) continue
      if (!isTag(piece.channel) || !isTag(piece.device)) refuseName(piece, made.unwritable)
      else {
        const prefix = prefixOf(spelling, piece)
        const physical = physicalOfPiece(spelling, piece)
        const revisions = revisionsOf(piece, decisions, traits)
        const given = { prefix, physical, revisions, kept: keptAt(piece.nowMs), saysQuality: saysQuality(piece, traits) }
        const writing = { spelling, piece, ...given, ...made }
        if (piece.points) putPoints(writing)
        else putSegments(writing)
      }
    }
    return made
  }
}

/** Its lines' beginning; of waveforms under the name of a measurement that no channel can have. */
function prefixOf({ prefixes }: Spelling, { device, channel, points }: Piece): Uint8Array {
  let ofDevice = prefixes.get(device)
  if (!ofDevice) {
    if (prefixes.size >= devicesMax) prefixes.clear()
    ofDevice = new Map()
    prefixes.set(device, ofDevice)
  }
  const key = points ? channel : `\n${channel}`
  let prefix = ofDevice.get(key)
  if (!prefix) {
    prefix = Buffer.from(seriesPrefix(points ? reading : wave, { channel, device }))
    ofDevice.set(key, prefix)
  }
  return prefix
}

const plain = physicalOf(undefined)

function physicalOfPiece({ physicals }: Spelling, { declared }: Piece): Physical {
  if (!declared) return plain
  let physical = physicals.get(declared)
  if (!physical) {
    physical = physicalOf(declared)
    physicals.set(declared, physical)
  }
  return physical
}

function revisionsOf(piece: Piece, { collapsed }: Decisions, traits: Traits): Map<number, number> | undefined {
  const found = traits.replaces || !piece.isSuspect ? undefined : collapsed.get(decisionKey(piece))
  return found && found.length > 0 ? new Map(found) : undefined
}

/** Beside a point that it replaces a quality must be said even where it is good: fields not written stay. */
function saysQuality({ isSuspect, points }: Piece, { replaces }: Traits): boolean {
  return points !== undefined && ((isSuspect && replaces) || points.q?.some((code) => code !== 0) === true)
}

function putPoints(writing: Writing): void {
  const { t, v } = writing.piece.points!
  for (let k = 0; k < t.length; k++) put(writing, k, t[k]!, v[k])
}

function putSegments(writing: Writing): void {
  let place = 0
  for (const segment of writing.piece.segments!) {
    putHeads(writing, segment)
    for (let k = 0; k < segment.v.length; k++) put(writing, place++, segment.t + k * segment.i, segment.v[k])
  }
}

function putHeads({ piece, kept, lines, origins, spelling }: Writing, segment: Segment): void {
  const { channel, device, first, last } = piece
  if (last < kept.fromMs || first > kept.toMs) return
  const most = Math.max(1, Math.floor(segmentMsMax / segment.i))
  for (let from = 0; from < segment.v.length; from += most)
    for (const { t, i, v } of cutSegment(segment, from, Math.min(from + most, segment.v.length))) {
      const head = seriesPrefix(waveSegment, { channel, device, interval_ms: `${i}`, samples: `${v.length}` })
      const time = timeOf(Math.round(t * 1000), spelling.traits)
      lines.add(Buffer.from(head), `shift_ms=${t - Number(time) / spelling.timesPerMs} ${time}`, true)
      origins.piece.push(piece)
      origins.place.push(-1)
    }
}

function put(writing: Writing, place: number, t: number, raw: unknown): void {
  const { piece, kept, lines, origins, unwritable, spelling, revisions } = writing
  if (t < kept.fromMs || t > kept.toMs) {
    unwritable.push({ piece, place, code: 'STORE_POINT_RETENTION', detail: `${new Date(t).toISOString()}` })
    return
  }
  const field = fieldOf(raw, writing)
  if (field === undefined) {
    unwritable.push({ piece, place, ...whyNot(raw, spelling.traits) })
    return
  }
  const quality = writing.saysQuality ? `,quality=${piece.points!.q?.[place] ?? 0}i` : ''
  // Rounded once, as its name is: by way of microseconds it could come to lie in the next millisecond.
  const time = Number.isInteger(t) ? `${t}${spelling.zeros}` : `${Math.round(t * spelling.timesPerMs)}`
  const revision = revisions?.get(nameOf(t, spelling.traits.resolutionMs))
  const prefix = revision ? revised(writing.prefix, revision) : writing.prefix
  lines.add(prefix, `${field}${quality} ${time}`, typeof raw !== 'string')
  origins.piece.push(piece)
  origins.place.push(place)
}

/** Undefined: it has no spelling. */
function fieldOf(raw: unknown, { physical, spelling }: Writing): string | undefined {
  if (typeof raw === 'number') return numberField(raw, physical)
  if (typeof raw === 'boolean') return `flag=${raw}`
  return typeof raw === 'string' && spelling.traits.text === 'field' ? `text=${quoteText(raw)}` : undefined
}

function numberField(raw: number, physical: Physical): string | undefined {
  const value = physical.toValue(raw)
  if (!Number.isFinite(value)) return undefined
  return physical.toRaw(value) === raw ? `value=${value}` : `value=${value},raw=${raw}`
}

/** The tag goes where the space before the fields is. */
function revised(prefix: Uint8Array, revision: number): Uint8Array {
  return Buffer.concat([prefix.subarray(0, -1), Buffer.from(`,${revisionTag}=${revision} `)])
}

function whyNot(raw: unknown, traits: Traits): Pick<Unwritable, 'code' | 'detail'> {
  if (typeof raw === 'string' && traits.text === 'label') return { code: 'STORE_POINT_TEXT', detail: 'a text' }
  return { code: 'STORE_POINT_VALUE', detail: `${raw}` }
}

function refuseName(piece: Piece, unwritable: Unwritable[]): void {
  const detail = JSON.stringify(`${piece.device}/${piece.channel}`)
  const count = piece.points ? piece.count : piece.segments!.reduce((sum, { v }) => sum + v.length, 0)
  for (let place = 0; place < count; place++) unwritable.push({ piece, place, code: 'STORE_POINT_NAME', detail })
}
