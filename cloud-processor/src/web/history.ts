/** Routes that read the store: series for charts, waveforms, gaps, events, and the raw export that `millrace verify` compares. */
import { Readable } from 'node:stream'
import type { Channel } from '@millrace/contract'
import { type Clock, MillraceError } from '@millrace/platform'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { StoreReader } from '../stores/store.ts'
import { identityOf } from './access.ts'
import type { WebConfig } from './config.ts'
import { check, correctionsQuery, eventsQuery, exportQuery, gapsQuery, seriesQuery, wavesQuery } from './query.ts'
import { deviceLines } from './registry/export.ts'
import { loaded, type RegistrySource } from './registry/routes.ts'
import { scaleSteps, scaleValue } from './scale.ts'
import { seenEvents } from './seen-events.ts'
import { clipSegment } from './segments.ts'
import type { Series, Waves } from './wire.ts'

type DeviceParams = { Params: { device: string } }

export function historyRoutes(
  app: FastifyInstance,
  { store, registry, clock }: { store: StoreReader; registry: RegistrySource; clock: Clock },
  config: WebConfig,
): void {
  const ofSeries = seriesQuery(config.pointsMax)

  app.get<DeviceParams>('/api/devices/:device/series', async (request) => {
    const { device } = request.params
    const { channel, from, to, points } = check(ofSeries, request.query)
    return readSeries(store, { device, channel: await findChannel(store, request, channel), from, to }, points)
  })

  app.get<DeviceParams>('/api/devices/:device/waves', async (request) => {
    const { device } = request.params
    const { channel, from, to } = check(wavesQuery, request.query)
    return readWaves(store, { device, channel: await findChannel(store, request, channel), from, to }, config.samplesMax)
  })

  app.get('/api/gaps', async (request) => {
    const { device, from, to } = check(gapsQuery, request.query)
    return identityOf(request).scope.keep(await store.gaps(device, from, to))
  })

  /** Of which readings of a device the times were corrected. */
  app.get('/api/corrections', async (request) => {
    const { device, from, to } = check(correctionsQuery, request.query)
    return identityOf(request).scope.keep(await store.corrections(device, from, to))
  })

  /** Lines for people, oldest first: the newest `limit` of the time asked for. */
  app.get('/api/events', async (request) => {
    return seenEvents(store, identityOf(request).scope, check(eventsQuery, request.query))
  })

  app.get<{ Params: { device: string; channel: string } }>('/api/export/:device/:channel', async (request, reply) => {
    const { device, channel } = request.params
    const { from, to } = check(exportQuery, request.query)
    const { kind } = await findChannel(store, request, channel)
    const lines = deviceLines({ store, registry: await loaded(registry, clock) }, kind, { device, channel, from, to })
    return reply.type('application/jsonl').send(Readable.from(lines))
  })
}

/** The only way to what is stored of a device. One that the account does not see is not there. @throws MillraceError WEB_UNKNOWN */
async function findChannel(store: StoreReader, request: FastifyRequest<DeviceParams>, name: string): Promise<Channel> {
  const { device } = request.params
  const known = (await store.devices(device)).find((candidate) => candidate.device === device)
  if (!known || !identityOf(request).scope.sees(device, known.node))
    throw new MillraceError('WEB_UNKNOWN', { what: `device "${device.slice(0, 100)}"` })
  const channel = known.channels.find((candidate) => candidate.name === name)
  if (!channel) throw new MillraceError('WEB_UNKNOWN', { what: `channel "${name.slice(0, 100)}" of device "${device}"` })
  return channel
}

/** What is read: a channel of a device, in a time. */
interface Stretch {
  device: string
  channel: Channel
  from: number
  to: number
}

async function readSeries(store: StoreReader, stretch: Stretch, wanted: number): Promise<Series> {
  const { device, channel, from, to } = stretch
  if (channel.kind === 'waveform') throw new MillraceError('WEB_QUERY', { detail: 'channel: is a waveform; ask /waves.' })
  const head = { device, channel: channel.name, unit: channel.unit, gaps: await gapsOf(store, stretch) }
  const most = wanted * 2
  if (channel.kind !== 'number' || expectedPoints(channel, from, to) <= most * 4) {
    const { t, v, q } = await store.points({ device, channel: channel.name, fromMs: from, toMs: to }, most + 1)
    if (t.length <= most) return { ...head, kind: 'points', t, v: v.map((raw) => scaleValue(raw, channel)), ...(q ? { q } : {}) }
    if (channel.kind !== 'number') throw tooMany(most)
  }
  const stepMs = niceStep((to - from) / wanted)
  const whole = { fromMs: Math.floor(from / stepMs) * stepMs, toMs: Math.ceil(to / stepMs) * stepMs }
  const found = await store.rollUp({ device, channel: channel.name, ...whole }, stepMs)
  return { ...head, kind: 'steps', stepMs, ...scaleSteps(found, channel) }
}

function tooMany(most: number): MillraceError {
  const detail = `from: more than ${most} values between from and to; ask for a shorter time.`
  return new MillraceError('WEB_QUERY', { detail })
}

/** When the channel's rate is unknown it is worth a try. */
function expectedPoints({ intervalMs }: Channel, from: number, to: number): number {
  return intervalMs ? (to - from) / intervalMs : 0
}

const steps = [100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000]
const minuteSteps = [1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440].map((minutes) => minutes * 60_000)

/** From a minute on whole minutes, because the store keeps minute roll-ups. */
function niceStep(least: number): number {
  const day = 86_400_000
  return [...steps, ...minuteSteps].find((step) => step >= least) ?? Math.ceil(least / day) * day
}

async function readWaves(store: StoreReader, { device, channel, from, to }: Stretch, samplesMax: number): Promise<Waves> {
  if (channel.kind !== 'waveform') throw new MillraceError('WEB_QUERY', { detail: 'channel: is not a waveform; ask /series.' })
  const { name, unit, scale = 1, offset = 0, intervalMs = 4 } = channel
  const upTo = Math.min(to, from + samplesMax * intervalMs)
  const [found, gaps] = await Promise.all([
    store.segments({ device, channel: name, fromMs: from, toMs: upTo }),
    gapsOf(store, { device, channel, from, to: upTo }),
  ])
  const segments = found.map((segment) => clipSegment(segment, from, upTo)).filter((segment) => segment !== undefined)
  return { device, channel: name, unit, scale, offset, segments, gaps, more: upTo < to }
}

async function gapsOf(store: StoreReader, { device, channel: { name }, from, to }: Stretch) {
  return (await store.gaps(device, from, to)).filter(({ channel = '*' }) => channel === '*' || channel === name)
}
