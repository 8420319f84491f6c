/** Questions to the processor. A refusal becomes an Error with the processor's own words. */
import type { Series, Waves } from '@millrace/cloud-processor/web'
import type { AlarmRecord } from '@millrace/contract'
import { inAddress } from '../address.ts'

export async function fetchSeries(
  device: string,
  query: { channel: string; from: number; to: number; points: number },
  signal?: AbortSignal,
): Promise<Series> {
  const { channel, from, to, points } = query
  const text = new URLSearchParams({ channel, from: `${from}`, to: `${to}`, points: `${points}` })
  return answer(await fetch(`/api/devices/${inAddress(device)}/series?${text}`, { signal }))
}

export async function fetchWaves(device: string, channel: string, from: number, to: number): Promise<Waves> {
  const text = new URLSearchParams({ channel, from: `${from}`, to: `${to}` })
  return answer(await fetch(`/api/devices/${inAddress(device)}/waves?${text}`))
}

export type AlarmOrder =
  | 'acknowledge'
  | 'comment'
  | 'shelve'
  | 'unshelve'
  | 'out-of-service'
  | 'in-service'
  | 'end-silence'
  | 'reset'

/** @param said a note of an acknowledgement or a comment, else a reason. */
export async function orderAlarm(
  order: AlarmOrder,
  { said, ...about }: { alarm: string; by: string; said: string; untilMs?: number | undefined },
): Promise<void> {
  const key = order === 'acknowledge' || order === 'comment' ? 'note' : 'reason'
  const { alarm, ...rest } = about
  const of = order === 'end-silence' ? { id: alarm.slice(0, -2) } : { alarm }
  const path = order === 'end-silence' ? '/api/silences/end' : `/api/alarms/${order}`
  await post(path, { ...of, ...rest, ...(said ? { [key]: said } : {}) })
}

export async function fetchChanges(alarm: string): Promise<AlarmRecord[]> {
  return answer(await fetch(`/api/alarms/changes?${new URLSearchParams({ alarm })}`))
}

export async function post<T>(path: string, body: object): Promise<T> {
  const headers = { 'content-type': 'application/json' }
  return answer(await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) }))
}

export async function answer<T>(response: Response): Promise<T> {
  const body = (await response.json().catch(() => ({ error: `The processor answered ${response.status}.` }))) as T & {
    error?: string
  }
  if (!response.ok) throw new Error(body.error)
  return body
}
