/** Timeline records for the tests of this package. */
import type { AlarmRecord, Channel, Column, Control, TimelineRecord } from '@millrace/contract'
import { createEngine, type EngineState } from '../engine.ts'
import { ruleFileSchema } from '../rule-file.ts'
import { step } from '../step.ts'

const about = (device: string) => ({ f: 1 as const, subject: device, device })

export const spo2Low = { name: 'spo2-low', channel: 'spo2', condition: 'below', set: 88, clear: 90, priority: 'high' }

export function engineOf(rules: unknown[], more: object = {}): EngineState {
  return createEngine(ruleFileSchema.parse({ ...more, rules }))
}

export function readings(
  t: number[],
  v: (number | string | boolean)[],
  { channel = 'spo2', device = 'bed-1', subject = device, q, receivedMs = t.at(-1) ?? 0 }: Partial<Described> = {},
): TimelineRecord {
  const column: Column = q ? { t, v, q } : { t, v }
  return { ...about(device), subject, k: 'readings', hist: false, receivedMs, channels: { [channel]: column }, waves: {} }
}
interface Described {
  channel: string
  device: string
  subject: string
  q: number[]
  receivedMs: number
}

export const tick = (atMs: number): TimelineRecord => ({ f: 1, k: 'tick', atMs })

export const gap = (
  fromMs: number,
  toMs?: number,
  reason: 'probe-off' | 'evicted' = 'probe-off',
  device = 'bed-1',
): TimelineRecord => ({
  ...about(device),
  k: 'gap',
  reason,
  fromMs,
  ...(toMs === undefined ? {} : { toMs }),
})

export const death = (atMs: number, device = 'bed-1'): TimelineRecord => ({
  ...about(device),
  k: 'death',
  node: 'ward',
  atMs,
  reason: 'agent-down',
})

export const declaration = (channels: Partial<Channel>[], device = 'bed-1'): TimelineRecord => ({
  ...about(device),
  k: 'declaration',
  node: 'ward',
  channels: channels.map((channel) => ({ name: 'spo2', kind: 'number', datatype: 'Int16', unit: '%', ...channel })),
})

export const control = (order: Control, atMs: number): TimelineRecord => ({ f: 1, k: 'control', control: order, atMs })

export function run(state: EngineState, records: TimelineRecord[]): AlarmRecord[] {
  return records.flatMap((record) => step(state, record))
}

/** `raised spo2-low/bed-1/spo2/5000 @5000`, which reads well in an expectation. */
export const brief = (alarms: AlarmRecord[]): string[] => alarms.map(({ change, id, atMs }) => `${change} ${id} @${atMs}`)
