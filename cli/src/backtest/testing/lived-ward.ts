/** A ward of two beds that lived for a minute and a half; for tests. */
import type { Control, TimelineRecord } from '@millrace/contract'
import { openWard, type Ward } from './ward.ts'

const startMs = Date.UTC(2026, 10, 29, 8)
export const rules = {
  rules: [
    { name: 'spo2-low', channel: 'spo2', condition: 'below', set: 88, clear: 90, delayOnMs: 2000, priority: 'high' },
    { name: 'no-spo2', channel: 'spo2', condition: 'absent', afterMs: 4000 },
  ],
}
const about = { f: 1, subject: 'anna', device: 'bed-1' } as const
export const at = (second: number) => startMs + second * 1000
const tick = (second: number): TimelineRecord => ({ f: 1, k: 'tick', atMs: at(second) })
const control = (second: number, order: Control): TimelineRecord => ({ f: 1, k: 'control', control: order, atMs: at(second) })
const reading = (second: number, percent: number): TimelineRecord => ({
  ...{ ...about, k: 'readings', hist: false, receivedMs: at(second), waves: {} },
  channels: { spo2: { t: [at(second)], v: [percent * 10] } },
})
const channel = { name: 'spo2', kind: 'number', datatype: 'Int16', unit: '%', scale: 0.1 } as const
const declared = (subject: string, device: string): TimelineRecord => ({
  ...{ f: 1, k: 'declaration', subject, device, node: 'ward' },
  channels: [channel],
})
const announced = (second: number) => control(second, { by: 'configuration', type: 'rules', rules })

/** A value each second, null for none, and a tick behind it. */
const seconds = (from: number, values: (number | null)[]): TimelineRecord[] =>
  values.flatMap((value, k) => [...(value === null ? [] : [reading(from + k, value)]), tick(from + k)])
const many = (count: number, value: number | null) => Array.from({ length: count }, () => value)

/** Two lows of which the first is acknowledged, silence, late data of a low, a gap, a tick that jumps, the rules announced again while a new device is silent. */
export async function livedWard(): Promise<Ward> {
  const ward = await openWard(rules)
  await ward.live([tick(0), declared('anna', 'bed-1'), announced(0), ...seconds(1, [95, 95, 85, 85, 85, 85])])
  const [raised] = await ward.alarms()
  await ward.live([
    control(7, { by: 'nurse', type: 'acknowledge', alarm: raised!.id }),
    ...seconds(8, [85, 95, 95, ...many(8, null), 95]),
    reading(-60, 80),
    reading(-55, 80),
    { ...about, k: 'gap', reason: 'probe-off', fromMs: at(20), toMs: at(22) },
    ...seconds(22, [95, 84, 84, 84, 84, 95]),
    announced(28),
    ...seconds(60, many(20, 95)),
    ...seconds(80, [70, 70, 70, 70]),
    declared('bert', 'bed-2'),
    ...seconds(84, many(3, 70)),
    announced(86),
    ...seconds(87, many(7, 70)),
  ])
  return ward
}
