/**
 * `millrace trace <device|batch>`: one batch by its name through every hop, with times, as far as log and store tell.
 *
 *   measured ─► sent ─► received, durable (raw: its receipt is due) ─► accepted (timeline) ─► stored ─► alarms
 */
import { type BatchName, formatBatchName, parseBatchName, type ReadingsRecord, type Segment } from '@millrace/contract'
import { decodePayload } from '@millrace/contract/sparkplug'
import type { Api } from '../api.ts'
import { findNewest, type Line, type Place, range } from './lines.ts'

export interface Hop {
  hop: 'measured' | 'sent' | 'received' | 'durable' | 'accepted' | 'stored' | 'alarm' | 'rejected'
  atMs?: number
  says: string
}

export interface Trace {
  batch: string
  device?: string
  hops: Hop[]
  /** All of it is in the store, or was rejected by name. */
  isWhole: boolean
}

interface Source {
  partition: number
  offset: number
}

/** @throws Error where the log has nothing of that name. */
export async function trace(api: Api, name: string): Promise<Trace> {
  const batch = batchOf(name)
  const accepted = await findNewest(api, 'timeline', ({ record }) => isOf(record as unknown as ReadingsRecord, batch, name))
  if (accepted) return traceAccepted(api, accepted)
  const rejected = batch && (await findRejected(api, batch))
  if (rejected) return rejected
  throw new Error(
    batch
      ? `The log has no batch ${name}: it waits in its agent (millrace-agent status), was evicted there under a gap, or is too long ago.`
      : `The log has no readings of a device ${name}, nor is it the name of a batch: <stream>/<number>.`,
  )
}

/** `millrace:` and the count may be left out. */
function batchOf(name: string): BatchName | undefined {
  const bare = name.replace(/^millrace:/, '')
  return parseBatchName(`millrace:${bare}`) ?? parseBatchName(`millrace:${bare}/0`)
}

function isOf({ k, device, stream, number }: ReadingsRecord, batch: BatchName | undefined, name: string): boolean {
  if (k !== 'readings' || number === undefined) return false
  return batch ? stream === batch.stream && number === batch.number : device === name
}

async function traceAccepted(api: Api, { partition, line }: Place): Promise<Trace> {
  const record = line.record as unknown as ReadingsRecord
  const times = timesOf(record)
  const raw = await rawOf(api, line.source as Source | undefined)
  const stored = await storedOf(api, record, times)
  const hops: Hop[] = [
    { hop: 'measured', atMs: times.lastMs, says: `${times.count} readings and samples, from ${iso(times.firstMs)}` },
    ...raw.hops,
    { hop: 'accepted', atMs: line.timeMs, says: `timeline/${partition} at ${line.offset}${record.hist ? ', as backlog' : ''}` },
    { hop: 'stored', says: `${stored} of ${times.count}` },
    ...(await alarmsOf(api, partition, line)),
  ]
  const { stream, number, device } = record
  return { batch: raw.batch ?? `${stream}/${number}`, device, hops, isWhole: stored >= times.count }
}

const iso = (ms: number) => new Date(ms).toISOString()

function timesOf({ channels, waves }: ReadingsRecord) {
  const scalars = Object.values(channels).flatMap(({ t }) => t)
  const segments = Object.values(waves).flat()
  const ends = segments.map(({ t, i, v }) => t + i * (v.length - 1))
  const all = [...scalars, ...segments.map(({ t }) => t), ...ends]
  const samples = segments.reduce((sum, { v }) => sum + v.length, 0)
  return { firstMs: Math.min(...all), lastMs: Math.max(...all), count: scalars.length + samples }
}

/** The message that it came in. */
async function rawOf(api: Api, source: Source | undefined): Promise<{ batch?: string; hops: Hop[] }> {
  if (!source) return { hops: [] }
  const { partition, offset } = source
  const [line] = await range(api, { topic: 'raw', partition, from: offset, to: offset + 1 })
  if (line?.record.k !== 'message')
    return { hops: [{ hop: 'received', says: `raw/${partition} at ${offset}, which is trimmed` }] }
  const { topic, receivedMs, payloadBase64 } = line.record as { topic: string; receivedMs: number; payloadBase64: string }
  const { timestamp, uuid } = decodePayload(Buffer.from(payloadBase64, 'base64'))
  return {
    ...(uuid === undefined ? {} : { batch: uuid }),
    hops: [
      ...(timestamp === undefined ? [] : [{ hop: 'sent' as const, atMs: timestamp, says: topic }]),
      { hop: 'received', atMs: receivedMs, says: 'by the bridge' },
      { hop: 'durable', atMs: line.timeMs, says: `raw/${partition} at ${offset}: from here on it is receipted` },
    ],
  }
}

async function storedOf(
  api: Api,
  { device, channels, waves }: ReadingsRecord,
  { firstMs, lastMs }: { firstMs: number; lastMs: number },
) {
  let stored = 0
  for (const [channel, { t }] of Object.entries(channels)) {
    const meant = new Set(t)
    stored += (await api.exportPoints(device, channel, t[0]!, t.at(-1)! + 1)).filter((point) => meant.has(point.t)).length
  }
  for (const [channel, segments] of Object.entries(waves)) {
    const there = await api.exportSegments(device, channel, Math.floor(firstMs), Math.ceil(lastMs) + 1)
    for (const segment of segments) stored += samplesWithin(there, segment)
  }
  return stored
}

/** Samples of a segment that the store has; it may have joined it with its neighbours. */
function samplesWithin(there: Segment[], { t, i, v }: Segment): number {
  const endMs = t + i * (v.length - 0.5)
  const within = there.reduce(
    (sum, one) => sum + one.v.filter((_, at) => one.t + one.i * at >= t - i / 2 && one.t + one.i * at < endMs).length,
    0,
  )
  return Math.min(within, v.length)
}

async function alarmsOf(api: Api, partition: number, { offset }: Line): Promise<Hop[]> {
  const isBy = ({ source, record }: Line) => {
    const from = source as Source | undefined
    return record.k === 'alarm' && from?.offset === offset && from.partition === partition
  }
  const found = await findNewest(api, 'alarms', isBy)
  if (!found) return []
  const { id, change, text } = found.line.record as { id: string; change: string; text: string }
  return [{ hop: 'alarm', atMs: found.line.timeMs, says: `${change} ${id}: ${text}` }]
}

async function findRejected(api: Api, batch: BatchName): Promise<Trace | undefined> {
  const isMeant = ({ record }: Line) => {
    if (typeof record.bytesBase64 !== 'string' || record.topic === undefined) return false
    const name = nameIn(record.bytesBase64)
    return name?.stream === batch.stream && name.number === batch.number
  }
  const found = await findNewest(api, 'rejected', isMeant)
  if (!found) return undefined
  const { reason, detail } = found.line.record as { reason: string; detail?: string }
  const says = `${reason}${detail === undefined ? '' : ` (${detail})`}, rejected/${found.partition} at ${found.line.offset}`
  return { batch: formatBatchName(batch), hops: [{ hop: 'rejected', atMs: found.line.timeMs, says }], isWhole: true }
}

function nameIn(bytesBase64: string): BatchName | undefined {
  try {
    return parseBatchName(decodePayload(Buffer.from(bytesBase64, 'base64')).uuid)
  } catch {
    return undefined
  }
}

/** Each hop with the time since the newest reading was measured. */
export function printTrace({ batch, device, hops }: Trace): string {
  const zeroMs = hops.find(({ hop }) => hop === 'measured')?.atMs
  const lines = hops.map(({ hop, atMs, says }) => {
    const since = atMs === undefined || zeroMs === undefined || hop === 'measured' ? '' : `+${Math.round(atMs - zeroMs)} ms`
    return `${hop.padEnd(9)} ${(atMs === undefined ? '' : iso(atMs)).padEnd(24)} ${since.padStart(10)}  ${says}`
  })
  return [`batch     ${batch}${device === undefined ? '' : ` of ${device}`}`, ...lines].join('\n')
}
