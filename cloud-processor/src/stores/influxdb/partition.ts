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
  type TakenBatch,
  take,
} from '../accounting/index.ts'
import type { Dialect } from './dialects/index.ts'
import type { Engine } from './engine.ts'
import { createKeeping, type Keeping } from './keeping.ts'
import { linesOf } from './lines.ts'
import { createPoints, type KeptTime, type Unwritable } from './points.ts'
import { createQuestions, type Questions } from './questions.ts'
import { createRecent, type Recent } from './recent.ts'
import { rejections, tooFineText } from './rejections.ts'
import type { Sender } from './send.ts'
import { createSummaryLines, type SummaryLines } from './summaries.ts'
import { Totals } from './totals.ts'
import { endUntold } from './untold-gaps.ts'

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

interface Partition {
  options: PartitionOptions
  keeping: Keeping
  questions: Questions
  recent: Recent
  pointsOf: ReturnType<typeof createPoints>
  summaryLines: SummaryLines
  totals: Totals
  count: Counters
  isWriting: boolean
  isClosed: boolean
}

/** A record and what it holds of each series. */
interface Step {
  taken: Taken
  pieces: Piece[]
}

/** What the records declare. */
interface Declared {
  /** Device and version. */
  changed: Map<string, number>
  tooFine: { offset: number; device: string; channel: string }[]
}

const dayMs = 86_400_000

export async function openPartition(options: PartitionOptions): Promise<PartitionWriter> {
  const partition = await load(options)
  return {
    get next() {
      return partition.keeping.state.next
    },
    write: (records) => write(partition, records),
    flush: () => put(partition, partition.totals.take()),
    async close() {
      partition.isClosed = true
      await put(partition, partition.totals.take())
    },
  }
}

async function load(options: PartitionOptions): Promise<Partition> {
  const { engine, dialect, kept, clock, log, partition } = options
  const { traits, run } = dialect
  const { saveEveryMs, durableAfterMs = traits.durableAfterMs, totalsEveryMs } = engine.config
  const { visibleAfterMs } = traits
  const keeping = await createKeeping(kept, { saveEveryMs, durableAfterMs, visibleAfterMs, clock, run })
  const summaryLines = createSummaryLines(traits, { log, partition })
  return {
    options,
    keeping,
    questions: createQuestions(dialect),
    recent: createRecent(dialect, clock, keeping.isShown),
    pointsOf: createPoints(traits),
    summaryLines,
    totals: new Totals({ state: keeping.state, lines: summaryLines, clock, everyMs: totalsEveryMs }),
    count: countersOf(options.metrics),
    ...{ isWriting: false, isClosed: false },
  }
}

type Counters = ReturnType<typeof countersOf>

function countersOf({ counter }: Metrics) {
  return {
    received: counter('millrace_store_received_total', 'Readings and samples the store took'),
    repeats: counter('millrace_store_repeats_total', 'Timeline records that were in the store already'),
    dropped: counter('millrace_store_dropped_total', 'Timeline records that could not be read'),
    asked: counter('millrace_store_suspects_total', 'Series whose stored times were asked for, because something may collapse'),
    refusals: counter('millrace_store_refused_total', 'Readings and samples that the store’s engine will never take'),
  }
}

async function write(partition: Partition, records: LogRecord[]): Promise<Refused[]> {
  partition.isWriting = true
  try {
    const refused = await writeAll(partition, records)
    flushLater(partition)
    return refused
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause
    const detail = cause instanceof Error ? cause.message : `${cause}`
    throw new MillraceError('STORE_WRITE', { path: partition.options.engine.config.url, detail }, cause)
  } finally {
    partition.isWriting = false
  }
}

/** A timeline that falls silent must not hide its last totals. */
function flushLater(partition: Partition): void {
  const { totals, options } = partition
  totals.later(() => {
    if (partition.isWriting || partition.isClosed) return
    put(partition, totals.take()).catch((error) =>
      options.lines.warn('totals could not be written; they come with the next write', { error }),
    )
  })
}

async function writeAll(partition: Partition, records: LogRecord[]): Promise<Refused[]> {
  const { keeping, count, recent, options } = partition
  const { state, decisions } = keeping
  const { resolutionMs } = options.dialect.traits
  await keeping.begin()
  const { taken, repeats, bad } = take(state, records)
  const isAdopted = await adopt(partition, taken)
  const declared: Declared = { changed: new Map(), tooFine: [] }
  const steps = taken.map((one): Step => readStep(partition, one, declared))
  const pieces = steps.flatMap((step) => step.pieces)
  const isDecided = await decideSuspects(partition, pieces)
  if (isAdopted || isDecided) await keeping.saveDecisions()
  const unwritable = await writePoints(partition, pieces)
  const refused = byPiece(unwritable)
  recent.add(refused.size === 0 ? pieces : pieces.filter((piece) => !refused.has(piece)), decisions)
  const out = noSummaries()
  out.devices = declared.changed
  for (const step of steps) settle(state, step, { decisions, refused, resolutionMs }, out)
  for (const one of bad) reportBad(partition, one, out)
  for (const one of declared.tooFine) reportTooFine(partition, one, out)
  await writeSummaries(partition, out)
  const told = rejections(unwritable, pieces)
  await keeping.end(told.length > 0)
  count.repeats.add({}, repeats)
  countPieces(count, pieces, unwritable)
  return told
}

/** Devices seen for the first time: another partition, or an earlier log, may have written of them. */
async function adopt({ keeping, questions, options }: Partition, taken: Taken[]): Promise<boolean> {
  const { state, decisions } = keeping
  const strangers = new Map<string, string>()
  for (const { record } of taken)
    if ('device' in record && !state.devices.has(record.device)) strangers.set(record.device, record.subject)
  const unknown = [...strangers.keys()].filter((device) => !decisions.adopted.has(device))
  if (unknown.length > 0) {
    await options.dialect.settle()
    const held = await questions.heldElsewhere(options.log, options.partition)
    for (const device of unknown) decisions.adopted.set(device, held.get(device) ?? [])
  }
  for (const [device, subject] of strangers) state.devices.set(device, newDevice(subject, decisions.adopted.get(device) ?? []))
  return unknown.length > 0
}

function readStep({ keeping: { state }, options }: Partition, taken: Taken, declared: Declared): Step {
  const { record, versionMs, offset } = taken
  const { resolutionMs } = options.dialect.traits
  if ('device' in record && declare(state.devices.get(record.device)!, record)) {
    declared.changed.set(record.device, versionMs)
    if (record.k === 'declaration')
      for (const channel of record.channels)
        if (isTooFine(channel, resolutionMs)) declared.tooFine.push({ offset, device: record.device, channel: channel.name })
  }
  return { taken, pieces: record.k === 'readings' ? survey(state, { ...taken, record }, resolutionMs) : [] }
}

async function decideSuspects({ keeping, questions, recent, count, options }: Partition, pieces: Piece[]): Promise<boolean> {
  const { decisions } = keeping
  const asking = suspicions(pieces, decisions)
  if (asking.length > 0) await recent.settle()
  const held = await questions.heldTimes(asking)
  recent.complete(held, asking)
  count.asked.add({}, asking.length)
  const heldOf = (device: string, series: string) => held.get(`${device} ${series}`)
  return decide(pieces, heldOf, decisions, options.dialect.traits.resolutionMs)
}

async function writePoints({ keeping, pointsOf, options }: Partition, pieces: Piece[]): Promise<Unwritable[]> {
  const { lines, origins, unwritable } = pointsOf(pieces, keeping.decisions, (nowMs) => keptAt(options, nowMs))
  for (const { line, detail } of await options.sender.send(lines)) {
    const place = origins.place[line]!
    if (place >= 0) unwritable.push({ piece: origins.piece[line]!, place, code: codeOf(detail), detail, line: lines.text(line) })
  }
  return unwritable
}

/** By the ticks, so that a replay refuses the same. */
function keptAt({ engine, dialect }: PartitionOptions, nowMs: number): KeptTime {
  const { retentionDays } = engine.config
  const fromMs = retentionDays === 0 || nowMs === 0 ? Number.NEGATIVE_INFINITY : nowMs - retentionDays * dayMs
  return { fromMs, toMs: nowMs === 0 ? Number.POSITIVE_INFINITY : nowMs + dialect.traits.futureMsMax }
}

function reportBad({ keeping: { state }, count, options }: Partition, bad: TakenBatch['bad'][number], out: Summaries): void {
  const { offset, detail } = bad
  const text = `Timeline record ${offset} cannot be read: ${detail}`
  out.events.push({ offset, device: '', atMs: state.nowMs, level: 'error', code: 'STORE_RECORD', text })
  count.dropped.add({ reason: 'STORE_RECORD' })
  const at = { partition: options.partition, offset, detail }
  options.lines.error('a timeline record cannot be read and is left out', at)
}

function reportTooFine({ keeping: { state }, options }: Partition, one: Declared['tooFine'][number], out: Summaries): void {
  const { offset, device, channel } = one
  const code = 'STORE_CHANNEL_TOO_FINE'
  const text = tooFineText(device, channel)
  out.events.push({ offset, device, atMs: state.nowMs, level: 'error', code, text })
  options.lines.error(text, { code, device, channel, resolutionMs: options.dialect.traits.resolutionMs })
}

async function writeSummaries(partition: Partition, out: Summaries): Promise<void> {
  const { keeping, questions, recent, summaryLines, totals } = partition
  await endUntold(out.gaps, questions, recent)
  totals.owe(out.totals)
  await put(partition, [...summaryLines.all(out, keeping.state), ...totals.due()])
}

async function put({ options }: Partition, text: string[]): Promise<void> {
  if (text.length === 0) return
  for (const { line, detail } of await options.sender.send(linesOf(text)))
    options.lines.warn('the engine refuses a line that is not a reading', { line: text[line], detail })
}

function countPieces({ received, refusals }: Counters, pieces: Piece[], unwritable: Unwritable[]): void {
  const counts: Tally = [0, 0]
  for (const piece of pieces) counts[piece.points ? 0 : 1] += piece.count
  received.add({ kind: 'readings' }, counts[0])
  received.add({ kind: 'samples' }, counts[1])
  for (const { code } of unwritable) refusals.add({ reason: code })
  for (const piece of pieces) if (piece.isTooFine) refusals.add({ reason: 'STORE_CHANNEL_TOO_FINE' }, piece.count)
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
