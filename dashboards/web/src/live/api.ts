/** Questions to the processor. A refusal becomes an Error with the processor's own words. */
import type { Series, Waves } from '@millrace/cloud-processor/web'
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

export async function acknowledge(alarm: string, by: string, note: string): Promise<void> {
  const body = JSON.stringify({ alarm, by, ...(note ? { note } : {}) })
  await answer(await fetch('/api/alarms/acknowledge', { method: 'POST', headers: { 'content-type': 'application/json' }, body }))
}

async function answer<T>(response: Response): Promise<T> {
  const body = (await response.json().catch(() => ({ error: `The processor answered ${response.status}.` }))) as T & {
    error?: string
  }
  if (!response.ok) throw new Error(body.error)
  return body
}
