/** Runs rule files over the log of a processor, or over its store, all of them in one pass. */
import type { RuleFile } from '@millrace/alarms'
import type { LimitView } from '@millrace/cloud-processor/web'
import type { Api } from '../api.ts'
import { inStore } from './in-store.ts'
import { type Arrival, arrivals, isWholeLog, type Stretch } from './timeline.ts'

/** `log`: in the order in which it arrived. `store`: in the order of event time. */
export type Over = 'log' | 'store'

/** What is told of every record: a run, or what counts beside it. */
export interface Taker {
  readonly file: RuleFile
  limits: LimitView[]
  take(arrival: Arrival): void
}

/** What was counted, by the processor's time. */
export interface Counted {
  fromMs: number
  toMs: number
  /** How the engine came to know what was before; for people. */
  warmUp: string
  /** Devices of which the stretch has readings. */
  devices: Set<string>
}

const dayMs = 86_400_000
/** Every device is declared again once a day: scale and unit of its channels are known after that. */
const declaredMs = dayMs + 3_600_000

/** @throws Error where there is nothing of the stretch. */
export async function backtest(api: Api, runs: Taker[], stretch: Stretch, over: Over = 'log'): Promise<Counted> {
  const warmUpMs = Math.max(declaredMs, ...runs.map(({ file }) => memoryMs(file)))
  const { limits } = await api.limits()
  for (const run of runs) run.limits = limits
  const devices = new Set<string>()
  const seen: { beganMs?: number; fromMs?: number; toMs?: number } = {}
  const all = over === 'log' ? arrivals(api, stretch, warmUpMs) : inStore(api, runs[0]!.file, stretch, warmUpMs)
  for await (const arrival of all) {
    for (const run of runs) run.take(arrival)
    const { nowMs, isBefore, record } = arrival
    if (!isBefore && record.k === 'readings') devices.add(record.device)
    if (nowMs === undefined) continue
    seen.beganMs = Math.min(seen.beganMs ?? nowMs, nowMs)
    if (isBefore) continue
    seen.fromMs = Math.min(seen.fromMs ?? nowMs, nowMs)
    seen.toMs = Math.max(seen.toMs ?? nowMs, nowMs)
  }
  const { beganMs, fromMs, toMs } = seen
  if (fromMs === undefined || toMs === undefined) throw new Error(await nothingIn(api, stretch, beganMs))
  if (over === 'store') return { fromMs, toMs, warmUp: storeText(beganMs!, fromMs), devices }
  const isWhole = await isWholeLog(api)
  return { fromMs, toMs, warmUp: warmUpText({ beganMs: beganMs!, fromMs, warmUpMs, isWhole }), devices }
}

/** The longest that a rule looks back, as far as its keys say. */
function memoryMs({ rules }: RuleFile): number {
  const times = rules.flatMap((rule) => Object.entries(rule).filter(([key]) => key.endsWith('Ms')))
  return Math.max(0, ...times.map(([, value]) => (typeof value === 'number' ? value : 0)))
}

interface WarmUp {
  beganMs: number
  fromMs: number
  warmUpMs: number
  isWhole: boolean
}

function warmUpText({ beganMs, fromMs, warmUpMs, isWhole }: WarmUp): string {
  const began = `The engine began empty at ${iso(beganMs)}`
  const hours = Math.round((fromMs - beganMs) / 360_000) / 10
  const warmUp = hours > 0 ? `; the ${hours} h before the stretch are its warm-up, and are not counted` : ''
  if (isWhole && fromMs - beganMs < warmUpMs) return `${began}, where the log begins${warmUp}.`
  if (fromMs - beganMs >= warmUpMs - dayMs / 24)
    return `${began}${warmUp}. Alarms that were open or shelved before it are not known to it.`
  return `${began}${warmUp}: what came before was trimmed. Units and scales of a device are known from its next declaration on, within a day.`
}

function storeText(beganMs: number, fromMs: number): string {
  const hours = Math.round((fromMs - beganMs) / 360_000) / 10
  return `By the store, in the order of event time: nothing is late, and nobody acknowledged or shelved. The engine began empty at ${iso(beganMs)}; the ${hours} h before the stretch are its warm-up.`
}

async function nothingIn(api: Api, { fromMs, toMs }: Stretch, beganMs: number | undefined): Promise<string> {
  const { start, end } = await api.log('timeline', 0, undefined)
  if (end <= start) return `The log of ${api.url} is empty. Let the processor run first.`
  const wanted = [fromMs !== undefined && `--from ${iso(fromMs)}`, toMs !== undefined && `--to ${iso(toMs)}`].filter(Boolean)
  const { records } = await api.log('timeline', 0, start, 1)
  const first = iso(records[0]?.timeMs ?? beganMs ?? 0)
  return `The log has nothing of ${wanted.join(' ')}: it begins at ${first}. Name times that are in it.`
}

const iso = (atMs: number) => new Date(atMs).toISOString()
