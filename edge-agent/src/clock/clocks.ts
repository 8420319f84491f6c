/**
 * Which clock stamped what, over all runs of the agent whose batches may still be in the outbox, and how far off it was. Kept in
 * the outbox's file:
 *
 *   run/<order>  {"stream","boot","spans":[{"fromMs","toMs","aheadMs"}]}     the spans of a run's stamp clock
 *   boot/<id>    [[monotonicMs, offsetMs, uncertaintyMs], ...]               what receipts told of a boot
 *
 * The offset of a boot is known for all its readings as soon as one receipt came in it, also for those of runs before. A boot
 * without a receipt lies between what is known before and after it: where its stamps lie there too they are left as they are;
 * else (1970) its end is taken for the start of the next one. The uncertainty says how far that may be wrong.
 */
import type { ClockOffset } from '@millrace/contract'
import type { Clock } from '@millrace/platform'
import type { Stretches } from '../stretches.ts'
import type { Boot } from './boot.ts'
import { addKnown, type Known, type Offset, offsetAt } from './offsets.ts'
import { type Span, StampClock } from './stamp-clock.ts'

interface Run {
  stream: string
  boot: string
  spans: Span[]
}

/** Small records that the outbox keeps. */
export interface Kept {
  kept: ReadonlyMap<string, string>
  keep(key: string, value: string | undefined): void
}

export interface ClocksOptions {
  clock: Clock
  boot: Boot
  stream: string
  records: Kept
  given: Stretches
  /** Each device's newest stamp of the runs before. */
  lastMs: Iterable<number>
}

/** Older runs have long been delivered, or their batches keep the stamps that they have. */
const runsMax = 1000
/** No reading of this software is older. */
const earliestMs = Date.UTC(2024, 0)

export class Clocks {
  readonly clock: Clock
  readonly #options: ClocksOptions
  readonly #boots = new Map<string, Known[]>()
  readonly #runs: Run[]
  readonly #order: number

  constructor(options: ClocksOptions) {
    const { boot, stream, records, clock, given, lastMs } = options
    this.#options = options
    const former = readRuns(records.kept)
    this.#order = (former.at(-1)?.order ?? 0) + 1
    for (const { order } of former.splice(0, Math.max(0, former.length - runsMax))) records.keep(`run/${order}`, undefined)
    this.#runs = former.map(({ run }) => run)
    endLast(this.#runs.at(-1), lastMs)
    this.#readBoots()
    const run: Run = { stream, boot: boot.id, spans: [] }
    this.#runs.push(run)
    const onSpan = (span: Span) => this.#addSpan(run, span)
    this.clock = new StampClock(clock, { bootMs: boot.atMs, given, onSpan })
  }

  /** Whether a receipt, of this run or of one before, told the offset of this boot. */
  get isBootKnown(): boolean {
    return this.#boots.has(this.#options.boot.id)
  }

  /** A receipt said by how much the processor's clock is ahead of the monotonic one. */
  learn(monotonicMs: number, offsetMs: number, uncertaintyMs: number): void {
    const { boot, records } = this.#options
    const all = this.#boots.get(boot.id) ?? []
    this.#boots.set(boot.id, all)
    if (addKnown(all, [monotonicMs + boot.atMs, offsetMs - boot.atMs, uncertaintyMs]))
      records.keep(`boot/${boot.id}`, JSON.stringify(all))
  }

  /** Of what a run stamped. Undefined while it is not known, and for runs that nobody remembers. */
  offsetOf(stream: string, stampMs: number): ClockOffset | undefined {
    const at = this.#runs.findLastIndex((run) => run.stream === stream)
    const now = this.#at(this.#runs.length - 1, this.clock.now())
    const then = at < 0 || !now ? undefined : this.#at(at, stampMs)
    if (!now || !then) return undefined
    const [offsetMs, sentOffsetMs] = [Math.round(then.offsetMs), Math.round(now.offsetMs)]
    return { offsetMs, uncertaintyMs: Math.ceil(then.uncertaintyMs), sentOffsetMs }
  }

  /** A time that an earlier run stamped, as the clock that stamps `stream` at `besideMs` would have. */
  translate(tMs: number, stream: string, besideMs: number): number {
    const at = this.#runs.findLastIndex((run) => run.stream === stream)
    if (at < 0 || isWithin(this.#runs[at]!, tMs)) return tMs
    const former = this.#runs.findLastIndex((run, k) => k < at && isWithin(run, tMs))
    const [then, now] = [former < 0 ? undefined : this.#at(former, tMs), this.#at(at, besideMs)]
    return then && now ? Math.round(tMs + then.offsetMs - now.offsetMs) : tMs
  }

  #at(index: number, stampMs: number): Offset | undefined {
    const run = this.#runs[index]!
    const span = nearest(run.spans, stampMs)
    const known = this.#boots.get(run.boot)
    if (!span || !known) return span && this.#place(index, span)
    const found = offsetAt(known, stampMs - span.aheadMs)
    return found && { ...found, offsetMs: found.offsetMs - span.aheadMs }
  }

  /** A boot in which no receipt came. */
  #place(index: number, span: Span): Offset | undefined {
    const { boot, spans } = this.#runs[index]!
    const last = this.#runs.findLastIndex((run) => run.boot === boot)
    const next = this.#runs[last + 1]
    const start = next?.spans[0]?.fromMs
    const offset = start === undefined ? undefined : this.#at(last + 1, start)
    if (!offset) return undefined
    const untilMs = start! + offset.offsetMs
    const sinceMs = this.#knownBefore(this.#runs.findIndex((run) => run.boot === boot))
    const [fromMs, toMs] = [spans[0]!.fromMs, endOf(spans.at(-1)!)]
    if (fromMs >= sinceMs && toMs <= untilMs) return { offsetMs: 0, uncertaintyMs: Math.max(untilMs - toMs, fromMs - sinceMs) }
    const end = this.#runs[last]!.spans.at(-1)!
    const bootOffsetMs = untilMs - (endOf(end) - end.aheadMs)
    return { offsetMs: bootOffsetMs - span.aheadMs, uncertaintyMs: Math.max(0, untilMs - sinceMs) }
  }

  /** Time up to which runs before that one are known to have stamped. */
  #knownBefore(index: number): number {
    for (let k = index - 1; k >= 0; k--) {
      const { boot, spans } = this.#runs[k]!
      const last = spans.at(-1)
      if (last && this.#boots.has(boot)) return Math.max(earliestMs, endOf(last) + this.#at(k, endOf(last))!.offsetMs)
    }
    return earliestMs
  }

  #addSpan(run: Run, span: Span): void {
    const { spans } = run
    if (span.toMs !== undefined) spans.pop()
    spans.push(span)
    this.#options.records.keep(`run/${this.#order}`, JSON.stringify(run))
  }

  #readBoots(): void {
    const { kept, keep } = this.#options.records
    const used = new Set([this.#options.boot.id, ...this.#runs.map(({ boot }) => boot)])
    for (const [key, value] of kept) {
      if (!key.startsWith('boot/')) continue
      const id = key.slice('boot/'.length)
      if (used.has(id)) this.#boots.set(id, JSON.parse(value))
      else keep(key, undefined)
    }
  }
}

function readRuns(kept: ReadonlyMap<string, string>): { order: number; run: Run }[] {
  const keys = [...kept.keys()].filter((key) => key.startsWith('run/'))
  const runs = keys.map((key) => ({ order: Number(key.slice('run/'.length)), run: JSON.parse(kept.get(key)!) as Run }))
  return runs.sort((a, b) => a.order - b.order)
}

/** No run lasts longer; a later stamp is of another clock. */
const runMsMax = 200 * 86_400_000

/** The run before was killed, or stopped: its last span ends with what it made durable. */
function endLast(run: Run | undefined, lastMs: Iterable<number>): void {
  const span = run?.spans.at(-1)
  if (!span || span.toMs !== undefined) return
  span.toMs = span.fromMs
  for (const ms of lastMs) if (ms > span.toMs && ms < span.fromMs + runMsMax) span.toMs = ms
}

const endOf = ({ fromMs, toMs }: Span) => toMs ?? fromMs

/** Decoders stamp beside the time of arrival. */
const besideMs = 60_000

function distance({ fromMs, toMs = Number.POSITIVE_INFINITY }: Span, stampMs: number): number {
  return Math.max(0, fromMs - stampMs, stampMs - toMs)
}

function nearest(spans: Span[], stampMs: number): Span | undefined {
  let found = spans[0]
  for (const span of spans) if (distance(span, stampMs) < distance(found!, stampMs)) found = span
  return found
}

const isWithin = ({ spans }: Run, stampMs: number) => spans.some((span) => distance(span, stampMs) <= besideMs)
