/** What the log says that was raised, told and rejected, beside what was due. */
import type { AlarmRecord, EventRecord, RejectedRecord } from '@millrace/contract'
import type { Api } from 'millrace'
import type { Delivery } from '../../support/webhook-receiver.ts'

export interface Due {
  when: string
  speed: number
  /** By the true time. */
  atMs: number
}

export interface Told extends Due {
  raised?: AlarmRecord
  /** From the sensor's bytes to the webhook. */
  latencyMs?: number
}

async function readAll<T>(api: Api, topic: string): Promise<T[]> {
  const all: T[] = []
  const { start, end } = await api.log(topic, 0, undefined)
  for (let from = start; from < end; ) {
    const { records } = await api.log(topic, 0, from)
    if (records.length === 0) break
    for (const { record } of records) all.push(record as T)
    from = records.at(-1)!.offset + 1
  }
  return all
}

export async function tell(api: Api, due: Due[], deliveries: Delivery[]): Promise<Told[]> {
  const raised = (await readAll<AlarmRecord>(api, 'alarms')).filter(
    ({ k, rule, change }) => k === 'alarm' && rule === 'fast' && change === 'raised',
  )
  return due.map((one) => {
    const alarm = raised.find(({ value }) => value === one.speed)
    const arrived = deliveries.find(({ key }) => key === `${alarm?.id}#raised`)
    return { ...one, ...(alarm ? { raised: alarm } : {}), ...(arrived ? { latencyMs: arrived.atMs - one.atMs } : {}) }
  })
}

export const isOnTime = ({ raised, latencyMs = Infinity }: Told) => raised?.retrospective === false && latencyMs < 5000

export function lineOf({ when, raised, latencyMs }: Told): string {
  if (!raised) return `${when}: not raised`
  const how = raised.retrospective ? 'retrospective' : 'live'
  const told = latencyMs === undefined ? 'not told' : `told after ${latencyMs} ms`
  return `${when}: raised ${new Date(raised.raisedMs).toISOString()}, ${how}, ${told}`
}

/** The engine's own alarms about clocks, in the order of the log. */
export async function clockAlarms(api: Api): Promise<string[]> {
  const own = ['clock-jump', 'gateway-clock', 'readings-out-of-time', 'ingest-gap']
  const alarms = (await readAll<AlarmRecord>(api, 'alarms')).filter(({ k, rule }) => k === 'alarm' && own.includes(rule))
  return alarms.map(
    ({ change, rule, channel, atMs, text }) => `${new Date(atMs).toISOString()} ${change} ${rule}/${channel}: ${text}`,
  )
}

export async function clockEvents(api: Api): Promise<string[]> {
  const records = await readAll<EventRecord>(api, 'timeline')
  return records.flatMap(({ k, code, text, atMs }) => (k === 'event' ? [`${new Date(atMs).toISOString()} ${code}: ${text}`] : []))
}

/** Readings rejected so far. */
export async function rejectedCount(api: Api): Promise<number> {
  const records = await readAll<RejectedRecord>(api, 'rejected')
  return records.reduce((sum, { lost }) => sum + lost[0] + lost[1], 0)
}

export async function rejections(api: Api): Promise<string[]> {
  const records = await readAll<RejectedRecord>(api, 'rejected')
  return [...Map.groupBy(records, ({ reason }) => reason)].map(([reason, all]) => {
    const count = all.reduce((sum, { lost }) => sum + lost[0] + lost[1], 0)
    return `${count} readings for ${reason}, such as: ${all[0]!.detail.slice(0, 150)}`
  })
}
