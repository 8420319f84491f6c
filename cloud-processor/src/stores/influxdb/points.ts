/** Pieces of readings as lines, and where each line came from. */
import type { Channel } from '@millrace/contract'
import type { ErrorCode } from '@millrace/contract/service'
import { cutSegment, type Decisions, decisionKey, nameOf, type Piece, seriesName, timesOf } from '../accounting/index.ts'
import type { Traits } from './dialects/dialect.ts'
import { isTag, quoteText, seriesPrefix, timeOf } from './line.ts'
import { type Physical, physicalOf } from './physical.ts'
import { reading, revisionTag, wave, waveSegment } from './schema.ts'

export interface Lines {
  text: string[]
  /** Of each line: its piece, and the place of its reading in the piece; -1 for a line that is no reading. */
  piece: Piece[]
  place: number[]
}

/** What cannot even be written as a line. */
export interface Unwritable {
  piece: Piece
  place: number
  code: ErrorCode
  detail: string
  /** Where there is one. */
  line?: string
}

/** A longer segment is written as several: a reader looks so far back for the segment that a sample belongs to. */
export const segmentMsMax = 600_000
const prefixesMax = 100_000

export function createPoints(traits: Traits) {
  const prefixes = new Map<string, string>()
  const physicals = new WeakMap<Channel, Physical>()
  const plain = physicalOf(undefined)
  const timesPerMs = traits.precision === 'us' ? 1000 : 1

  function prefixOf(piece: Piece): string {
    const key = `${seriesName(piece)} ${piece.device}`
    let prefix = prefixes.get(key)
    if (prefix === undefined) {
      if (prefixes.size >= prefixesMax) prefixes.clear()
      prefix = seriesPrefix(piece.points ? reading : wave, { channel: piece.channel, device: piece.device })
      prefixes.set(key, prefix)
    }
    return prefix
  }

  function physicalOfPiece({ declared }: Piece): Physical {
    if (!declared) return plain
    let physical = physicals.get(declared)
    if (!physical) {
      physical = physicalOf(declared)
      physicals.set(declared, physical)
    }
    return physical
  }

  /** Undefined: it has no spelling. */
  function numberField(raw: number, physical: Physical): string | undefined {
    const value = physical.valueOf(raw)
    if (!Number.isFinite(value)) return undefined
    return physical.rawOf(value) === raw ? `value=${value}` : `value=${value},raw=${raw}`
  }

  function fieldOf(raw: unknown, physical: Physical): string | undefined {
    if (typeof raw === 'number') return numberField(raw, physical)
    if (typeof raw === 'boolean') return `flag=${raw}`
    return typeof raw === 'string' && traits.text === 'field' ? `text=${quoteText(raw)}` : undefined
  }

  function putPoints(piece: Piece, held: Map<number, number> | undefined, to: Lines, unwritable: Unwritable[]): void {
    const prefix = prefixOf(piece)
    const physical = physicalOfPiece(piece)
    const { t, v, q } = piece.points!
    // Beside a point that it replaces a quality must be said even where it is good: fields not written stay.
    const saysQuality = q?.some((code) => code !== 0) || (piece.isSuspect && traits.replaces)
    const zeros = traits.precision === 'us' ? '000' : ''
    for (let k = 0; k < t.length; k++) {
      const field = fieldOf(v[k], physical)
      if (field === undefined) {
        unwritable.push({ piece, place: k, ...whyNot(v[k], traits) })
        continue
      }
      const quality = saysQuality ? `,quality=${q?.[k] ?? 0}i` : ''
      const time = Number.isInteger(t[k]) ? `${t[k]}${zeros}` : timeOf(Math.round(t[k]! * 1000), traits)
      to.text.push(`${revised(prefix, held, t[k]!)}${field}${quality} ${time}`)
      to.piece.push(piece)
      to.place.push(k)
    }
  }

  function putSegments(piece: Piece, held: Map<number, number> | undefined, to: Lines, unwritable: Unwritable[]): void {
    const prefix = prefixOf(piece)
    const physical = physicalOfPiece(piece)
    const tags = { channel: piece.channel, device: piece.device }
    let place = 0
    for (const segment of piece.segments!) {
      const most = Math.max(1, Math.floor(segmentMsMax / segment.i))
      for (let from = 0; from < segment.v.length; from += most)
        for (const part of cutSegment(segment, from, Math.min(from + most, segment.v.length))) {
          const head = seriesPrefix(waveSegment, { ...tags, interval_ms: `${part.i}`, samples: `${part.v.length}` })
          const time = timeOf(Math.round(part.t * 1000), traits)
          to.text.push(`${head}shift_ms=${part.t - Number(time) / timesPerMs} ${time}`)
          to.piece.push(piece)
          to.place.push(-1)
        }
      for (let k = 0; k < segment.v.length; k++, place++) {
        const t = segment.t + k * segment.i
        const raw = segment.v[k]
        const field = typeof raw === 'number' ? numberField(raw, physical) : undefined
        if (field === undefined) {
          unwritable.push({ piece, place, ...whyNot(raw, traits) })
          continue
        }
        to.text.push(`${revised(prefix, held, t)}${field} ${timeOf(Math.round(t * 1000), traits)}`)
        to.piece.push(piece)
        to.place.push(place)
      }
    }
  }

  function revised(prefix: string, held: Map<number, number> | undefined, t: number): string {
    const revision = held?.get(nameOf(t, traits.resolutionMs))
    return revision ? `${prefix.slice(0, -1)},${revisionTag}=${revision} ` : prefix
  }

  /** `keptFromMs`: what is older has no place in the engine. */
  return (pieces: Piece[], decisions: Decisions, keptFromMs: number): { lines: Lines; unwritable: Unwritable[] } => {
    const lines: Lines = { text: [], piece: [], place: [] }
    const unwritable: Unwritable[] = []
    for (const piece of pieces) {
      const collapsed = traits.replaces ? undefined : decisions.collapsed.get(decisionKey(piece))
      const held = collapsed && collapsed.length > 0 ? new Map(collapsed) : undefined
      const put = piece.points ? putPoints : putSegments
      const from = lines.text.length
      if (!isTag(piece.channel) || !isTag(piece.device)) refuseName(piece, unwritable)
      else put(piece, held, lines, unwritable)
      if (piece.first < keptFromMs) dropOld(piece, from, keptFromMs, lines, unwritable)
    }
    return { lines, unwritable }
  }
}

function whyNot(raw: unknown, traits: Traits): Pick<Unwritable, 'code' | 'detail'> {
  if (typeof raw === 'string' && traits.text === 'label') return { code: 'STORE_POINT_TEXT', detail: 'a text' }
  return { code: 'STORE_POINT_VALUE', detail: `${raw}` }
}

function refuseName(piece: Piece, unwritable: Unwritable[]): void {
  const detail = JSON.stringify(`${piece.device}/${piece.channel}`)
  for (let place = 0; place < piece.count; place++) unwritable.push({ piece, place, code: 'STORE_POINT_NAME', detail })
}

/** Takes out, of the lines from `from` on, those of readings before `keptFromMs`. */
function dropOld(piece: Piece, from: number, keptFromMs: number, lines: Lines, unwritable: Unwritable[]): void {
  const times = [...timesOf(piece)]
  const kept: number[] = []
  for (let k = from; k < lines.text.length; k++) {
    const place = lines.place[k]!
    const t = place < 0 ? piece.last : times[place]!
    if (t >= keptFromMs) kept.push(k)
    else if (place >= 0) unwritable.push({ piece, place, code: 'STORE_POINT_RETENTION', detail: new Date(t).toISOString() })
  }
  for (const [at, k] of kept.entries())
    for (const column of [lines.text, lines.piece, lines.place] as unknown[][]) column[from + at] = column[k]
  for (const column of [lines.text, lines.piece, lines.place]) column.length = from + kept.length
}
