/**
 * `millrace verify <manifest>`: is everything that the simulators produced in the store, once, unaltered, in order, and is
 * everything that is not there covered by a recorded gap?
 */

import type { StoredGap } from '@millrace/cloud-processor/stores'
import type { Channel, Segment, Value } from '@millrace/contract'
import { type Manifest, readManifest } from '@millrace/simulators'
import type { Api } from '../api.ts'
import { type Alignment, align, type Produced, type Span } from './align.ts'

export interface VerifyOptions {
  /** A gap covers what was produced this long before and after it. */
  slackMs: number
  /** What a running simulator produced this long before the manifest's end need not be stored yet. Above `slackMs`. */
  settleMs: number
  /** How long to wait for the ledger to close before comparing. */
  waitMs: number
}

export const verifyDefaults: VerifyOptions = { slackMs: 1500, settleMs: 3000, waitMs: 30_000 }

export interface Verdict {
  isWhole: boolean
  channels: ({ device: string; channel: string } & Alignment)[]
  total: Omit<Alignment, 'first' | 'trailing'>
  gaps: number
  ledgerCloses: boolean
}

export async function verify(api: Api, path: string, options: VerifyOptions): Promise<Verdict> {
  const manifest = await readManifest(path)
  const isRunning = !manifest.totals
  const endMs = endOf(manifest)
  // While it runs, what was stored so far is compared, up to a moment that the manifest has behind it; later is under way.
  const underWayMs = isRunning ? endMs - options.settleMs : Number.POSITIVE_INFINITY
  const ledgerCloses = await waitForLedger(api, options.waitMs)
  const fromMs = manifest.startedMs - 1000
  const nextRunMs = endMs + 2000
  const storedToMs = isRunning ? underWayMs + options.slackMs : nextRunMs
  const gaps = await api.gaps(fromMs - 3_600_000, nextRunMs + 3_600_000)
  const channels: Verdict['channels'] = []
  for (const { device, channels: declared } of manifest.devices) {
    for (const channel of declared) {
      const produced = producedOf(manifest, device, channel)
      if (produced.v.length === 0) continue
      const stored = await storedOf(api, device, channel, fromMs, storedToMs)
      const spans = spansOf(gaps, manifest, device, channel.name, stored.t[0])
      if (isRunning) spans.push({ fromMs: underWayMs, toMs: Number.POSITIVE_INFINITY })
      const alignment = align(produced, stored.v, spans, options.slackMs)
      const underWay = produced.t.length - produced.t.findLastIndex((at) => at <= storedToMs) - 1
      channels.push({ device, channel: channel.name, ...without(alignment, underWay) })
    }
  }
  const total = { produced: 0, stored: 0, explained: 0, lost: 0, extra: 0 }
  for (const channel of channels) for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += channel[key]
  return { isWhole: total.lost === 0 && total.extra === 0 && ledgerCloses, channels, total, gaps: gaps.length, ledgerCloses }
}

async function waitForLedger(api: Api, waitMs: number): Promise<boolean> {
  for (const until = Date.now() + waitMs; ; ) {
    const { balanced, inFlight } = await api.ledger()
    if (balanced && inFlight.outboxRows < 500 && inFlight.logRecords < 500) return true
    if (Date.now() > until) return balanced
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

function producedOf(manifest: Manifest, device: string, channel: Channel): Produced {
  const produced: Produced = { t: [], v: [] }
  const column = manifest.scalars.get(device)?.get(channel.name)
  for (let k = 0; k < (column?.t.length ?? 0); k++) add(produced, column!.t[k]!, column!.v[k]!)
  for (const { t, i, v } of manifest.waves.get(device)?.get(channel.name) ?? [])
    for (let k = 0; k < v.length; k++) add(produced, t + k * i, v[k]!)
  return produced
}

function add({ t, v }: Produced, at: number, value: Value): void {
  t.push(at)
  v.push(value)
}

async function storedOf(api: Api, device: string, channel: Channel, fromMs: number, toMs: number) {
  if (channel.kind !== 'waveform') {
    const points = await api.exportPoints(device, channel.name, fromMs, toMs)
    return { t: points.map(({ t }) => t), v: points.map(({ v }) => v) }
  }
  const segments: Segment[] = await api.exportSegments(device, channel.name, fromMs, toMs)
  const t = segments.flatMap(({ t, i, v }) => v.map((_, k) => t + k * i))
  return { t, v: segments.flatMap(({ v }) => v) as Value[] }
}

/** Recorded gaps of the channel, and the time before the agent first opened the port, when nobody listened. */
function spansOf(gaps: StoredGap[], manifest: Manifest, device: string, channel: string, firstMs: number | undefined): Span[] {
  const spans = gaps
    .filter((gap) => gap.device === device && (gap.channel === undefined || gap.channel === '*' || gap.channel === channel))
    .map(({ fromMs, toMs }) => ({ fromMs, toMs: toMs ?? Number.POSITIVE_INFINITY }))
  spans.push({ fromMs: manifest.startedMs - 60_000, toMs: firstMs ?? Number.POSITIVE_INFINITY })
  return spans
}

function endOf(manifest: Manifest): number {
  let last = manifest.startedMs
  for (const channels of manifest.scalars.values()) for (const { t } of channels.values()) last = Math.max(last, t.at(-1) ?? 0)
  for (const channels of manifest.waves.values()) {
    for (const segments of channels.values()) {
      const end = segments.at(-1)
      if (end) last = Math.max(last, end.t + end.v.length * end.i)
    }
  }
  return last
}

/** What is under way is neither explained by a gap nor produced yet. */
function without(alignment: Alignment, underWay: number): Alignment {
  const few = Math.min(underWay, alignment.explained)
  return { ...alignment, produced: alignment.produced - few, explained: alignment.explained - few }
}
