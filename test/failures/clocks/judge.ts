/** What became of a case: its stored times beside the true ones, and the alarms of its device. */
import type { AlarmRecord } from '@millrace/contract'
import type { Api } from 'millrace'
import { points, type Started } from './cases.ts'

export interface Judged {
  name: string
  sent: number
  stored: number
  /** The worst of the stamps. */
  beforeMs: number
  medianMs: number
  maxMs: number
  wrong: number
}

export async function judge(api: Api, { name, device, source, stampMs }: Started, alarms: AlarmRecord[]): Promise<Judged> {
  const { saidMs } = source
  const found = (await points({ api }, device)).filter(({ v }) => saidMs.has(v))
  const errors = found.map(({ t, v }) => Math.abs(t - saidMs.get(v)!)).sort((a, b) => a - b)
  const before = found.map(({ t, v, byMs = 0 }) => stampMs ?? Math.abs(t - byMs - saidMs.get(v)!)).sort((a, b) => a - b)
  return {
    name,
    sent: saidMs.size,
    stored: new Set(found.map(({ v }) => v)).size,
    beforeMs: before.at(-1) ?? Number.NaN,
    medianMs: median(errors),
    maxMs: errors.at(-1) ?? Number.NaN,
    wrong: alarms.filter((alarm) => alarm.device === device).length,
  }
}

const median = (sorted: number[]) => sorted[Math.floor(sorted.length / 2)] ?? Number.NaN

export async function raisedAlarms(api: Api): Promise<AlarmRecord[]> {
  const all: AlarmRecord[] = []
  const { start, end } = await api.log('alarms', 0, undefined)
  for (let from = start; from < end; ) {
    const { records } = await api.log('alarms', 0, from)
    if (records.length === 0) break
    for (const { record } of records as unknown as { record: AlarmRecord }[])
      if (record.k === 'alarm' && record.change === 'raised') all.push(record)
    from = records.at(-1)!.offset + 1
  }
  return all
}

export function lineOf({ name, stored, beforeMs, medianMs, maxMs, wrong }: Judged): string {
  const cells = [`${stored}`, span(beforeMs), span(medianMs), span(maxMs), `${wrong}`]
  return `${name.padEnd(34)}${cells.map((cell) => cell.padStart(14)).join('')}`
}

function span(ms: number): string {
  if (ms >= 365 * 86_400_000) return `${(ms / 86_400_000 / 365.25).toFixed(1)} years`
  return ms >= 60_000 ? `${(ms / 3_600_000).toFixed(2)} h` : `${ms.toFixed(0)} ms`
}
