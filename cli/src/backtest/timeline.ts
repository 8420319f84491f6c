/**
 * The timeline of a processor's log in the order in which its records arrived, partition after partition. What time it was when a
 * record arrived is said by the newest tick before it: that is the time of `--from` and `--to`.
 */
import { type TimelineRecord, topics } from '@millrace/contract'
import type { Api, LogPage } from '../api.ts'
import { partitionsOf } from '../trace/lines.ts'

export interface Stretch {
  fromMs?: number | undefined
  toMs?: number | undefined
}

export interface Arrival {
  partition: number
  record: TimelineRecord
  /** Partition of raw that the record came from. */
  source: number
  /** Undefined before the first tick. */
  nowMs: number | undefined
  /** Whether it is before the stretch: read so that the engine knows what was there. */
  isBefore: boolean
}

const topic = topics.timeline.slice('millrace.'.length)
/** Few enough records to be read over, and pages of a probe that have a tick among them most of the time. */
const nearRecords = 1000
const probeRecords = 200

/** @param warmUpMs how far before the stretch reading begins. */
export async function* arrivals(api: Api, stretch: Stretch, warmUpMs: number): AsyncGenerator<Arrival> {
  for (const { partition, start, end } of await partitionsOf(api, topic)) {
    const { fromMs } = stretch
    const first = fromMs === undefined ? start : await offsetAt(api, { partition, start, end }, fromMs - warmUpMs)
    yield* partitionArrivals(api, { partition, start: first, end }, stretch)
  }
}

/** Whether nothing before the log's first record was trimmed. */
export async function isWholeLog(api: Api): Promise<boolean> {
  return (await partitionsOf(api, topic)).every(({ start }) => start === 0)
}

interface Bounds {
  partition: number
  start: number
  end: number
}

async function* partitionArrivals(api: Api, bounds: Bounds, { fromMs = -Infinity, toMs = Infinity }: Stretch) {
  const { partition } = bounds
  let nowMs: number | undefined
  for await (const { record: read, source } of lines(api, bounds)) {
    const record = read as unknown as TimelineRecord
    if (record.k === 'tick') nowMs = record.atMs
    if (nowMs !== undefined && nowMs >= toMs) return
    const raw = (source as { partition?: number } | undefined)?.partition ?? 0
    yield { partition, record, source: raw, nowMs, isBefore: (nowMs ?? -Infinity) < fromMs }
  }
}

async function* lines(api: Api, { partition, start, end }: Bounds): AsyncGenerator<LogPage['records'][number]> {
  for (let next = start; next < end; ) {
    const { records } = await api.log(topic, partition, next)
    if (records.length === 0) return
    yield* records
    next = records.at(-1)!.offset + 1
  }
}

/** An offset a little before the first tick at or after this time; the first where a clock that was set back leaves several. */
async function offsetAt(api: Api, { partition, start, end }: Bounds, atMs: number): Promise<number> {
  let [low, high] = [start, end]
  while (high - low > nearRecords) {
    const middle = Math.floor((low + high) / 2)
    const tickMs = await tickFrom(api, { partition, start: middle, end: high })
    if (tickMs === undefined || tickMs >= atMs) high = middle
    else low = middle
  }
  return low
}

async function tickFrom(api: Api, { partition, start, end }: Bounds): Promise<number | undefined> {
  for (let next = start; next < end; ) {
    const { records } = await api.log(topic, partition, next, probeRecords)
    const tick = records.find(({ record }) => record.k === 'tick')
    if (tick) return tick.record.atMs as number
    if (records.length === 0) return undefined
    next = records.at(-1)!.offset + 1
  }
  return undefined
}
