/**
 * How fresh what is stored is, looked at all the time: the newest event time of each device that the store answers with; where
 * the store is embedded, that a reader of the timeline has. Afterwards it tells how long after each fault's end the first new
 * reading of each device that it touched was there.
 */
import { follow, pass } from '@millrace/cloud-processor/stage'
import { decodeJson, type TimelineRecord, topics } from '@millrace/contract'
import type { Busy } from './busy.ts'
import { catchingUpMs } from './catching-up.ts'
import { openLog } from './checks/log.ts'
import type { SharedEngines } from './engines.ts'
import type { Strike } from './faults.ts'
import type { Installation } from './installation.ts'

/** What was there at a moment: newest event time by device. */
export interface Look {
  atMs: number
  newest: Map<string, number>
}

export interface Freshness {
  looks: Look[]
  stop(): Promise<void>
}

const everyMs = 200
/** A processor that is gone without a goodbye is waited for so long. */
const silentMs = 3000
/** Older readings do not count. */
const query = 'max by (device) (tlast_over_time(reading_value[15s]))'

export async function watchFreshness(shared: SharedEngines): Promise<Freshness> {
  return shared.store ? watchStore(shared.store.address) : watchTimeline(shared)
}

/** VictoriaMetrics shows a reading up to a second after it took it. */
function watchStore(address: string): Freshness {
  const looks: Look[] = []
  let isStopped = false
  const watching = watch()
  return {
    looks,
    async stop() {
      isStopped = true
      await watching
    },
  }

  async function watch(): Promise<void> {
    while (!isStopped) {
      await ask().catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, everyMs))
    }
  }

  async function ask(): Promise<void> {
    const url = `${address}/api/v1/query?nocache=1&query=${encodeURIComponent(query)}`
    const answer = await fetch(url, { signal: AbortSignal.timeout(1000) })
    const { data } = (await answer.json()) as { data: { result: { metric: { device: string }; value: [number, string] }[] } }
    const newest = new Map(data.result.map(({ metric, value }) => [metric.device, Number(value[1]) * 1000]))
    looks.push({ atMs: Date.now(), newest })
  }
}

async function watchTimeline(shared: SharedEngines): Promise<Freshness> {
  const log = await openLog(shared)
  const stopping = new AbortController()
  const looks: Look[] = []
  const newest = new Map<string, number>()
  const reading = Array.from({ length: log.partitions }, (_, partition) => read(partition))
  const timer = setInterval(() => looks.push({ atMs: Date.now(), newest: new Map(newest) }), everyMs)
  return {
    looks,
    async stop() {
      clearInterval(timer)
      stopping.abort()
      await Promise.all(reading)
      await log.close()
    },
  }

  async function read(partition: number): Promise<void> {
    const marks = {}
    const limit = { records: 1000, bytes: 4 << 20 }
    let from = (await log.bounds(topics.timeline, partition)).end
    while (!stopping.signal.aborted) {
      const take = (records: Awaited<ReturnType<typeof log.read>>, next: number) => {
        for (const { source, value } of records) if (pass(marks, source)) see(decodeJson<TimelineRecord>(value))
        from = next
      }
      await follow(log, { topic: topics.timeline, partition, from, limit }, take, stopping.signal).catch(() => {})
    }
  }

  function see(record: TimelineRecord): void {
    if (record.k !== 'readings') return
    for (const { t } of Object.values(record.channels))
      newest.set(record.device, Math.max(newest.get(record.device) ?? 0, t.at(-1) ?? 0))
  }
}

/** The moment when the first reading that was made after `ms` was there; undefined: never. */
export type FirstAfter = (device: string, ms: number) => number | undefined

export function firstIn(looks: Look[]): FirstAfter {
  return (device, ms) => looks.find(({ atMs, newest }) => atMs > ms && (newest.get(device) ?? 0) > ms)?.atMs
}

export interface Recovery {
  kind: string
  /** Strikes whose end was looked at, and those of which another fault hid it for every device. */
  judged: number
  hidden: number
  /** Of the device that waited longest. */
  worstMs: number
  worst: string
  /** Of the same device: until the reading was on the timeline. */
  timelineMs: number
  /** The worst in parts of what it may take on a machine as busy as it was then. */
  worstPart: number
}

export interface Judging {
  stored: FirstAfter
  onTimeline: FirstAfter
  withinMs: number
  /** When the devices were switched off. */
  endMs: number
  busy: Busy
}

/**
 * Time from each fault's end to the first stored reading that was made after it, for each device that the fault touched. One that
 * took longer than `withinMs` while another fault of that device was active says nothing: it is hidden, and that one's end is
 * looked at as well. What may be is stretched where others kept the machine busy, and where the store catches up.
 */
export function recoveries(
  strikes: Strike[],
  { agents, devices }: Pick<Installation, 'agents' | 'devices'>,
  { stored, onTimeline, withinMs, endMs, busy }: Judging,
): Recovery[] {
  const all = devices.map(({ device }) => device)
  const touched = ({ kind, target }: Strike): string[] => {
    if (kind === 'garbage') return []
    if (kind === 'pty unplug') return [target]
    return agents.find(({ name }) => name === target)?.devices ?? all
  }
  const found = new Map<string, Recovery>()
  for (const strike of strikes) {
    const { kind, target, toMs } = strike
    if (toMs === undefined || toMs > endMs - withinMs || touched(strike).length === 0) continue
    const before = strikes.filter(({ fromMs }) => fromMs < toMs)
    const moreMs = Math.max(leftInSilence(strike) ? silentMs : 0, catchingUpMs(before, toMs))
    const allowedMs = (withinMs + moreMs) * busy.at(toMs)
    const recovery = found.get(kind) ?? { kind, judged: 0, hidden: 0, worstMs: 0, worst: '', timelineMs: 0, worstPart: 0 }
    found.set(kind, recovery)
    let isJudged = false
    for (const device of touched(strike)) {
      const firstMs = stored(device, toMs) ?? endMs
      const tookMs = firstMs - toMs
      if (tookMs > withinMs && isHidden(strike, device, firstMs)) continue
      isJudged = true
      if (tookMs / allowedMs <= recovery.worstPart) continue
      recovery.worstPart = tookMs / allowedMs
      recovery.worstMs = tookMs
      recovery.timelineMs = (onTimeline(device, toMs) ?? endMs) - toMs
      recovery.worst = `${target}, ${device}, from ${new Date(toMs).toISOString()}`
    }
    recovery[isJudged ? 'judged' : 'hidden']++
  }
  return [...found.values()]

  /** Nobody hears the goodbye of a processor that ends while Kafka is away: to the others it is as if it had been killed just then. */
  function leftInSilence({ kind, fromMs, toMs }: Strike): boolean {
    if (kind !== 'processor joins and leaves') return false
    const isAway = (other: Strike) => other.fromMs < toMs! && (other.toMs ?? Infinity) > Math.max(fromMs, toMs! - silentMs)
    return strikes.some((other) => other.target === 'Kafka' && isAway(other))
  }

  function isHidden(strike: Strike, device: string, firstMs: number): boolean {
    return strikes.some(
      (other) =>
        other !== strike && other.fromMs < firstMs && (other.toMs ?? Infinity) > strike.toMs! && touched(other).includes(device),
    )
  }
}
