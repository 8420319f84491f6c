/**
 * Retained copies of plain devices that are dead. Every record that is made of one is followed back to the message in raw: a copy
 * is told as last known and is nothing else, no reading on the timeline or in the store; and what clears an absence alarm is a
 * reading of a message that was published, never a copy.
 */
import type { Source } from '@millrace/contract'
import type { Api } from 'millrace'
import type { LogView } from './log.ts'

export interface Dead {
  /** Of MQTT: their topics, and nobody else's. */
  filter: string
  channel: string
  /** The absence rule of that channel. */
  rule: string
}

export interface CopiesFinding {
  copies: number
  lastKnown: number
  /** Devices that were heard when they published. */
  devices: number
  readings: number
  active: number
  /** By a message that came late, from a queue. */
  cleared: number
  wrong: string[]
}

/** `partition/offset` of a record. */
type Place = string

export async function compareCopies(log: LogView, api: Api, dead: Dead): Promise<CopiesFinding> {
  const { copies, again, live } = await readMessages(log, dead)
  const timeline = await readOutputs(log, copies, live)
  const alarms = await readAlarms(log, timeline.readings, dead)
  const heard = [...timeline.heard]
  const stored = await Promise.all(heard.map(([device, times]) => storedBeside(api, { device, times, channel: dead.channel })))
  const silent = heard.filter(([device]) => alarms.active.get(device) !== true)
  return {
    copies: copies.size,
    lastKnown: timeline.told.size,
    devices: heard.length,
    readings: timeline.readings.size,
    active: heard.length - silent.length,
    cleared: alarms.cleared,
    wrong: [
      ...timeline.wrong,
      ...alarms.wrong,
      ...stored.flat(),
      ...[...copies]
        .filter((place) => !timeline.told.has(place) && !again.has(place))
        .map((place) => `the copy at ${place} was not told as last known`),
      ...silent.map(([device]) => `${device} is dead and has no active alarm`),
    ],
  }
}

export async function hasCopy(log: LogView, { filter }: Pick<Dead, 'filter'>): Promise<boolean> {
  for await (const { record } of log.read('raw')) if (isOf(filter, record) && record.retain === true) return true
  return false
}

interface Messages {
  copies: Set<Place>
  /** Of these, those that the broker sent again for want of a PUBACK: the first one of them is told. */
  again: Set<Place>
  /** When each of the others came. */
  live: Map<Place, number>
}

async function readMessages(log: LogView, { filter }: Dead): Promise<Messages> {
  const copies = new Set<Place>()
  const again = new Set<Place>()
  const live = new Map<Place, number>()
  for await (const { record, ...at } of log.read('raw')) {
    if (!isOf(filter, record)) continue
    if (record.retain === true && record.dup === true) again.add(placeOf(at))
    if (record.retain === true) copies.add(placeOf(at))
    else live.set(placeOf(at), record.receivedMs as number)
  }
  return { copies, again, live }
}

/** `heard`: by device, when the messages came that became readings. */
async function readOutputs(log: LogView, copies: Set<Place>, live: Map<Place, number>) {
  const told = new Set<Place>()
  const readings = new Set<Place>()
  const heard = new Map<string, Set<number>>()
  const wrong: string[] = []
  for await (const { record, source, ...at } of log.read('timeline')) {
    const from = placeOf(source)
    if (record.k === 'last-known') told.add(from)
    if (record.k !== 'readings') continue
    const device = record.device as string
    if (copies.has(from)) wrong.push(`the copy at ${from} became a reading of ${device}`)
    const atMs = live.get(from)
    if (atMs === undefined) continue
    readings.add(placeOf(at))
    heard.set(device, (heard.get(device) ?? new Set()).add(atMs))
  }
  return { told, readings, heard, wrong }
}

async function readAlarms(log: LogView, readings: Set<Place>, { rule }: Dead) {
  const active = new Map<string, boolean>()
  const wrong: string[] = []
  let cleared = 0
  for await (const { record, source } of log.read('alarms')) {
    if (record.k !== 'alarm' || record.rule !== rule) continue
    active.set(record.device as string, record.active as boolean)
    if (record.change !== 'cleared') continue
    cleared++
    if (!readings.has(placeOf(source))) wrong.push(`${record.id} was cleared by what nobody published`)
  }
  return { active, cleared, wrong }
}

/** Stored readings of a time at which no message came. */
async function storedBeside(
  api: Api,
  { device, times, channel }: { device: string; times: Set<number>; channel: string },
): Promise<string[]> {
  const points = await api.exportPoints(device, channel, 0, 8e15)
  return points.filter(({ t }) => !times.has(t)).map(({ t, v }) => `${device} at ${t}: ${v} is stored, and nobody published it`)
}

function isOf(filter: string, record: Record<string, unknown>): boolean {
  if (record.k !== 'message') return false
  const levels = (record.topic as string).split('/')
  const wanted = filter.split('/')
  return levels.length === wanted.length && wanted.every((level, k) => level === '+' || level === levels[k])
}

function placeOf(at: Pick<Source, 'partition' | 'offset'> | undefined): Place {
  return `${at?.partition}/${at?.offset}`
}
