/**
 * One timeline partition's way into the engine. Each write is one pass of the accounting (accounting/README.md): repeats out,
 * suspects asked and decided, decisions kept, points written, counts settled, summaries written, state kept.
 *
 * After a failure the state in memory is of no use: `open` makes a new one from what was kept.
 */
import type { Tally } from '@millrace/contract'
import { type Clock, type ErrorCode, type Log as Logger, type Metrics, MillraceError } from '@millrace/platform'
import type { LogRecord } from '../../log/log.ts'
import type { Kept, Refused } from '../../stage/index.ts'
import {
  decide,
  declare,
  isTooFine,
  newDevice,
  noSummaries,
  type Piece,
  type Summaries,
  settle,
  survey,
  suspicions,
  type Taken,
  take,
} from '../accounting/index.ts'
import type { Dialect } from './dialects/index.ts'
import type { Engine } from './engine.ts'
import { createKeeping } from './keeping.ts'
import { linesOf } from './lines.ts'
import { createPoints, type Stretch, type Unwritable } from './points.ts'
import { createQuestions } from './questions.ts'
import { createRecent } from './recent.ts'
import { rejections, tooFineText } from './rejections.ts'
import type { Sender } from './send.ts'
import { createSummaryLines } from './summaries.ts'

export interface PartitionOptions {
  engine: Engine
  dialect: Dialect
  sender: Sender
  log: string
  partition: number
  kept: Kept
  lines: Logger
  metrics: Metrics
  clock: Clock
}

export interface PartitionWriter {
  readonly next: number
  write(records: LogRecord[]): Promise<Refused[]>
  /** Writes totals that wait for their time. */
  flush(): Promise<void>
  /** Writes them for the last time. */
  close(): Promise<void>
}

interface Step {
  taken: Taken
  pieces: Piece[]
}

const dayMs = 86_400_000

export async function openPartition(options: PartitionOptions): Promise<PartitionWriter> {
  const { engine, dialect, sender, kept, lines: logger, metrics, clock, partition } = options
  const { saveEveryMs, durableAfterMs = dialect.traits.durableAfterMs, retentionDays, totalsEveryMs } = engine.config
  const { resolutionMs } = dialect.traits
  const keeping = await createKeeping(kept, { saveEveryMs, durableAfterMs, clock, run: dialect.run })
  const { state, decisions } = keeping
  const questions = createQuestions(dialect)
  const recent = createRecent(dialect, clock)
  const pointsOf = createPoints(dialect.traits)
  const summaryLines = createSummaryLines(dialect.traits, { log: options.log, partition })
  const received = metrics.counter('millrace_store_received_total', 'Readings and samples the store took')
  const repeats = metrics.counter('millrace_store_repeats_total', 'Timeline records that were in the store already')
  const dropped = metrics.counter('millrace_store_dropped_total', 'Timeline records that could not be read')
  const asked = metrics.counter(
    'millrace_store_suspects_total',
    'Series whose stored times were asked for, because something may collapse',
  )
  const refusals = metrics.counter('millrace_store_refused_total', 'Readings and samples that the store’s engine will never take')
  const owed = new Map<string, number>()
  let totalsMs = Number.NEGATIVE_INFINITY
  let isWaiting = false
  let isWriting = false
  let isClosed = false

  /** Devices seen for the first time: another partition, or an earlier log, may have written of them. */
  async function adopt(taken: Taken[]): Promise<boolean> {
    const strangers = new Map<string, string>()
    for (const { record } of taken)
      if ('device' in record && !state.devices.has(record.device)) strangers.set(record.device, record.subject)
    const unknown = [...strangers.keys()].filter((device) => !decisions.adopted.has(device))
    if (unknown.length > 0) {
      await dialect.settle()
      const held = await questions.heldElsewhere(options.log, partition)
      for (const device of unknown) decisions.adopted.set(device, held.get(device) ?? [])
    }
    for (const [device, subject] of strangers) state.devices.set(device, newDevice(subject, decisions.adopted.get(device) ?? []))
    return unknown.length > 0
  }

  async function decideSuspects(pieces: Piece[]): Promise<boolean> {
    const asking = suspicions(pieces, decisions)
    if (asking.length > 0) await recent.settle()
    const held = await questions.heldTimes(asking)
    recent.complete(held, asking)
    asked.add({}, asking.length)
    return decide(pieces, (device, series) => held.get(`${device} ${series}`), decisions, resolutionMs)
  }

  /** By the ticks, so that a replay refuses the same. */
  function keptAt(nowMs: number): Stretch {
    const fromMs = retentionDays === 0 || nowMs === 0 ? Number.NEGATIVE_INFINITY : nowMs - retentionDays * dayMs
    return { fromMs, toMs: nowMs === 0 ? Number.POSITIVE_INFINITY : nowMs + dialect.traits.futureMsMax }
  }

  async function writePoints(pieces: Piece[]): Promise<Unwritable[]> {
    const { lines, origins, unwritable } = pointsOf(pieces, decisions, keptAt)
    for (const { line, detail } of await sender.send(lines)) {
      const place = origins.place[line]!
      if (place >= 0)
        unwritable.push({ piece: origins.piece[line]!, place, code: codeOf(detail), detail, line: lines.text(line) })
    }
    return unwritable
  }

  async function writeSummaries(out: Summaries): Promise<void> {
    for (const untold of out.gaps.filter(({ isUntold }) => isUntold)) {
      await recent.settle()
      const { device, gap } = untold
      const shown = await questions.firstAfter(device, gap.channel, gap.fromMs)
      const hidden = recent.firstAfter(device, gap.channel, gap.fromMs)
      if (shown !== undefined || hidden !== undefined) gap.toMs = Math.min(shown ?? hidden!, hidden ?? shown!)
    }
    for (const [device, versionMs] of out.totals) owed.set(device, versionMs)
    const isDue = clock.monotonic() - totalsMs >= totalsEveryMs
    await put([...summaryLines.all(out, state), ...(isDue ? totals() : [])])
  }

  /** A timeline that falls silent must not hide its last totals. */
  function flushLater(): void {
    if (isWaiting || owed.size === 0) return
    isWaiting = true
    clock.after(totalsEveryMs, () => {
      isWaiting = false
      if (isWriting || isClosed) return
      put(totals()).catch((error) => logger.warn('totals could not be written; they come with the next write', { error }))
    })
  }

  function totals(): string[] {
    totalsMs = clock.monotonic()
    const all = [...owed].map(([device, versionMs]) => summaryLines.total(device, state.devices.get(device)!, versionMs))
    owed.clear()
    return all
  }

  async function put(text: string[]): Promise<void> {
    for (const { line, detail } of await sender.send(linesOf(text)))
      logger.warn('the engine refuses a line that is no reading', { line: text[line], detail })
  }

  async function writeAll(records: LogRecord[]): Promise<Refused[]> {
    await keeping.begin()
    const { taken, repeats: repeated, bad } = take(state, records)
    const isAdopted = await adopt(taken)
    const changed = new Map<string, number>()
    const tooFine: [offset: number, device: string, channel: string][] = []
    const steps: Step[] = taken.map((one) => {
      const { record, versionMs } = one
      const device = 'device' in record ? state.devices.get(record.device)! : undefined
      if (device && 'device' in record && declare(device, record)) {
        changed.set(record.device, versionMs)
        if (record.k === 'declaration')
          for (const channel of record.channels)
            if (isTooFine(channel, resolutionMs)) tooFine.push([one.offset, record.device, channel.name])
      }
      const pieces = record.k === 'readings' ? survey(state, { ...one, record }, resolutionMs) : []
      return { taken: one, pieces }
    })
    const pieces = steps.flatMap((step) => step.pieces)
    const isDecided = await decideSuspects(pieces)
    if (isAdopted || isDecided) await keeping.saveDecisions()
    const unwritable = await writePoints(pieces)
    const out = noSummaries()
    out.devices = changed
    const refused = byPiece(unwritable)
    recent.add(refused.size === 0 ? pieces : pieces.filter((piece) => !refused.has(piece)), decisions)
    for (const step of steps) settle(state, step, { decisions, refused, resolutionMs }, out)
    for (const { offset, detail } of bad) {
      const text = `Timeline record ${offset} cannot be read: ${detail}`
      out.events.push({ offset, device: '', atMs: state.nowMs, level: 'error', code: 'STORE_RECORD', text })
      dropped.add({ reason: 'STORE_RECORD' })
      logger.error('a timeline record cannot be read and is left out', { partition, offset, detail })
    }
    for (const [offset, device, channel] of tooFine) {
      const text = tooFineText(device, channel)
      out.events.push({ offset, device, atMs: state.nowMs, level: 'error', code: 'STORE_CHANNEL_TOO_FINE', text })
      logger.error(text, { code: 'STORE_CHANNEL_TOO_FINE', device, channel, resolutionMs })
    }
    await writeSummaries(out)
    const told = rejections(unwritable, pieces)
    await keeping.end(told.length > 0)
    repeats.add({}, repeated)
    const counts: Tally = [0, 0]
    for (const piece of pieces) counts[piece.points ? 0 : 1] += piece.count
    received.add({ kind: 'readings' }, counts[0])
    received.add({ kind: 'samples' }, counts[1])
    for (const { code } of unwritable) refusals.add({ reason: code })
    for (const piece of pieces) if (piece.isTooFine) refusals.add({ reason: 'STORE_CHANNEL_TOO_FINE' }, piece.count)
    return told
  }

  return {
    get next() {
      return state.next
    },
    async write(records) {
      isWriting = true
      try {
        const refused = await writeAll(records)
        flushLater()
        return refused
      } catch (cause) {
        if (cause instanceof MillraceError) throw cause
        const detail = cause instanceof Error ? cause.message : `${cause}`
        throw new MillraceError('STORE_WRITE', { path: engine.config.url, detail }, cause)
      } finally {
        isWriting = false
      }
    },
    flush: async () => put(totals()),
    async close() {
      isClosed = true
      if (owed.size > 0) await put(totals())
    },
  }
}

/** InfluxDB says that a point is outside the bucket's retention. */
const codeOf = (detail: string): ErrorCode => (/retention/i.test(detail) ? 'STORE_POINT_RETENTION' : 'STORE_POINT_REFUSED')

function byPiece(unwritable: Unwritable[]): Map<Piece, Set<number>> {
  const refused = new Map<Piece, Set<number>>()
  for (const { piece, place } of unwritable) {
    const places = refused.get(piece) ?? new Set()
    refused.set(piece, places.add(place))
  }
  return refused
}
