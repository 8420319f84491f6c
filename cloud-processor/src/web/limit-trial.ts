/**
 * What another limit would have raised over the past, by what the store holds, in a thread of its own.
 *
 *   POST /api/limits/try   {rule, devices?, subjects?, groups?, keys, hours?}   alarms by the limits of now, and by the other one
 *
 * Bounded: the newest `readingsMax` readings of at most `devicesMax` devices. Where there are more, the stretch is halved until
 * they fit; the answer says from when on was counted.
 */
import {
  faultOfLimit,
  isLimitFor,
  type LimitGiven,
  type RuleFile,
  ruleFileSchema,
  type StoredSeries,
  type Trial,
  type Tried,
} from '@millrace/alarms'
import { type Clock, MillraceError, smallWorker, startWorker, type WorkerCalls } from '@millrace/platform'
import type { FastifyInstance } from 'fastify'
import type { Scope } from '../people/index.ts'
import type { StoreReader } from '../stores/store.ts'
import { identityOf } from './access.ts'
import type { WebConfig } from './config.ts'
import { createLimits, type Limits, limitRoutes } from './limits.ts'
import { check, tryingLimit } from './query.ts'
import type { LimitTrial } from './wire.ts'

const readingsMax = 100_000
const devicesMax = 50
/** Trials at a time, one of them at work. */
const trialsMax = 4
const hourMs = 3_600_000

interface Parts {
  store: StoreReader
  clock: Clock
  rules: RuleFile
  limits: Limits
}

type Given = Omit<Parts, 'rules' | 'limits'> &
  Omit<Parameters<typeof limitRoutes>[1], 'rules' | 'limitMsMax'> & { rules?: RuleFile; config: Pick<WebConfig, 'limitMsMax'> }

/** Both: limits that are set, and trials of others. */
export function openLimits(app: FastifyInstance, given: Given): Pick<Limits, 'see'> & { close(): Promise<void> } {
  const { rules = ruleFileSchema.parse({}), config } = given
  const limits = createLimits()
  limitRoutes(app, { ...given, rules, limitMsMax: config.limitMsMax }, limits)
  return { see: limits.see, close: trialRoute(app, { ...given, rules, limits }) }
}

/** @returns what ends its thread. */
function trialRoute(app: FastifyInstance, parts: Parts): () => Promise<void> {
  let worker: WorkerCalls<Trial> | undefined
  let running = 0
  const ask = (trial: Trial) => {
    worker ??= startWorker<Trial>(new URL('./trial-worker.ts', import.meta.url), {
      resourceLimits: smallWorker,
      failure: (_detail, cause) => new MillraceError('WEB_FAILED', {}, cause),
      onFailed: () => {
        worker = undefined
      },
    })
    return worker.ask<Tried>(trial)
  }
  app.post('/api/limits/try', async (request): Promise<LimitTrial> => {
    const { hours, ...given } = check(tryingLimit, request.body, 'WEB_BODY')
    if (running >= trialsMax) throw new MillraceError('WEB_TRIALS', { limit: trialsMax })
    running++
    try {
      const trial = await trialOf(parts, given as LimitGiven, { hours, scope: identityOf(request).scope })
      const { now, tried } = await ask(trial)
      const days = (trial.toMs - trial.fromMs) / (24 * hourMs)
      const counted = (alarms: number) => ({ alarms, perDay: Math.round((alarms / days) * 100) / 100 })
      const readings = trial.series.reduce((sum, { t }) => sum + t.length, 0)
      const { fromMs, toMs, series } = trial
      return { fromMs, toMs, devices: series.length, readings, now: counted(now), tried: counted(tried) }
    } finally {
      running--
    }
  })
  return async () => worker?.close()
}

async function trialOf(parts: Parts, given: LimitGiven, { hours, scope }: { hours: number; scope: Scope }): Promise<Trial> {
  const { store, rules, limits, clock } = parts
  const fault = faultOfLimit(rules, given)
  if (fault !== undefined) throw new MillraceError('WEB_BODY', { detail: fault })
  const rule = rules.rules.find(({ name }) => name === given.rule)!
  const all = await store.devices()
  const devices = all.filter((one) => scope.sees(one.device, one.node) && isLimitFor(rules, given, one))
  const series = devices.flatMap(({ device, subject, channels }) => {
    const channel = channels.find(({ name }) => name === rule.channel)
    return channel && channel.kind !== 'waveform' ? [{ device, subject, channel }] : []
  })
  if (series.length === 0)
    throw new MillraceError('WEB_UNKNOWN', { what: `stored readings of ${rule.channel} that the limit is for` })
  if (series.length > devicesMax)
    throw new MillraceError('WEB_BODY', {
      detail: `it is for ${series.length} devices, and at most ${devicesMax} are tried: name fewer.`,
    })
  const toMs = clock.now()
  const stretch = await readStretch(store, series, { fromMs: toMs - hours * hourMs, toMs })
  const ours = limits.list(toMs).filter((one) => one.rule === given.rule)
  return { file: { ...rules, rules: [rule] }, limits: ours, tried: given, toMs, ...stretch }
}

type Unread = Pick<StoredSeries, 'device' | 'subject' | 'channel'>

async function readStretch(store: StoreReader, series: Unread[], { fromMs, toMs }: { fromMs: number; toMs: number }) {
  for (let from = fromMs; ; from = Math.ceil((from + toMs) / 2)) {
    const found = await readAll(store, series, { fromMs: from, toMs })
    // A store that holds less would else make the alarms a day too few.
    const firstMs = Math.min(...(found ?? []).flatMap(({ t }) => t.slice(0, 1)))
    if (found) return { fromMs: firstMs < toMs ? Math.max(from, Math.floor(firstMs)) : from, series: found }
  }
}

/** Undefined where there are more than is tried. */
async function readAll(store: StoreReader, series: Unread[], span: { fromMs: number; toMs: number }) {
  const found: StoredSeries[] = []
  let left = readingsMax
  for (const one of series) {
    const points = await store.points({ device: one.device, channel: one.channel.name, ...span }, left + 1)
    left -= points.t.length
    if (left < 0) return undefined
    const gaps = await store.gaps(one.device, span.fromMs, span.toMs)
    const ours = gaps.filter(({ channel }) => channel === undefined || channel === one.channel.name)
    found.push({
      ...one,
      ...points,
      gaps: ours.map(({ fromMs, toMs, reason }) => ({ fromMs, reason, ...(toMs === undefined ? {} : { toMs }) })),
    })
  }
  return found
}
