/**
 * The timeline of what the store holds, in the order of event time: a piece of some hours after the other, so that not all readings are
 * in memory at once. A gap is in the piece in which it begins.
 */
import { inEventOrder, type RuleFile, type StoredSeries } from '@millrace/alarms'
import type { StoredGap } from '@millrace/cloud-processor/stores'
import type { Channel, Value } from '@millrace/contract'
import type { Api } from '../api.ts'
import type { Arrival, Stretch } from './timeline.ts'

const pieceMs = 6 * 3_600_000

type Unread = Pick<StoredSeries, 'device' | 'subject' | 'channel'>

/** @throws Error without a `--from`, or where no device has a channel of the rules. */
export async function* inStore(api: Api, file: RuleFile, stretch: Stretch, warmUpMs: number): AsyncGenerator<Arrival> {
  const { fromMs, toMs = Date.now() } = stretch
  if (fromMs === undefined) throw new Error('--over store needs --from: write --from 2026-11-29T08:00:00Z, or --from 2026-11-29.')
  const series = await seriesFor(api, file)
  for (let beginMs = fromMs - warmUpMs; beginMs < toMs; beginMs += pieceMs) {
    const endMs = Math.min(beginMs + pieceMs, toMs)
    for (const record of inEventOrder(await readPiece(api, series, beginMs, endMs), beginMs, endMs)) {
      const nowMs = record.k === 'tick' ? record.atMs : record.k === 'readings' ? record.receivedMs : beginMs
      yield { partition: 0, record, source: 0, nowMs, isBefore: nowMs < fromMs }
    }
  }
}

async function seriesFor(api: Api, { rules }: RuleFile): Promise<Unread[]> {
  const names = new Set(rules.flatMap(channelsOf))
  const series = (await api.fleet()).flatMap(({ device, subject = device, channels }) =>
    channels
      .filter(({ name, kind }: Channel) => names.has(name) && kind !== 'waveform')
      .map((channel) => ({ device, subject, channel })),
  )
  if (series.length === 0) throw new Error(`No device at ${api.url} has a channel of the rules: ${[...names].join(', ')}.`)
  return series
}

/** As the keys of conditions name them, at any depth. */
function channelsOf(part: unknown): string[] {
  if (part === null || typeof part !== 'object') return []
  return Object.entries(part).flatMap(([key, value]) =>
    key === 'channel' && typeof value === 'string'
      ? [value]
      : key === 'channels' && value !== null && typeof value === 'object'
        ? [...Object.values(value).filter((one) => typeof one === 'string'), ...channelsOf(value)]
        : channelsOf(value),
  )
}

async function readPiece(api: Api, series: Unread[], beginMs: number, endMs: number): Promise<StoredSeries[]> {
  const begun = (await api.gaps(beginMs, endMs)).filter(({ fromMs }) => fromMs >= beginMs && fromMs < endMs)
  const found: StoredSeries[] = []
  for (const one of series) {
    const points = await api.exportPoints(one.device, one.channel.name, beginMs + 1, endMs)
    const gaps = begun.filter(
      ({ device, channel }) => device === one.device && (channel ?? one.channel.name) === one.channel.name,
    )
    found.push({ ...one, ...columnOf(points), gaps: gaps.map(gapOf) })
  }
  return found
}

function columnOf(points: { t: number; v: Value; q?: number }[]): Pick<StoredSeries, 't' | 'v' | 'q'> {
  const column = { t: points.map(({ t }) => t), v: points.map(({ v }) => v) }
  return points.some(({ q }) => q) ? { ...column, q: points.map(({ q }) => q ?? 0) } : column
}

const gapOf = ({ fromMs, toMs, reason }: StoredGap) => ({ fromMs, reason, ...(toMs === undefined ? {} : { toMs }) })
