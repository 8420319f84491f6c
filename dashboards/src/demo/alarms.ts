/** Alarms of the invented ward. */
import type { AlarmRecord } from '@millrace/contract'

export function demoAlarm(now: number, more: Partial<AlarmRecord> = {}): AlarmRecord {
  const common = {
    f: 1,
    k: 'alarm',
    rule: 'low-spo2',
    subject: 'Bed 2',
    device: 'oximeter-2',
    channel: 'spo2',
    priority: 'high',
  } as const
  const state = { change: 'raised', active: true, acknowledged: false, retrospective: false, technical: false } as const
  const text = 'SpO₂ 84 % below 88 % for 10 s'
  const raisedMs = more.raisedMs ?? now
  return {
    ...common,
    ...state,
    id: `low-spo2/oximeter-2/spo2/${raisedMs}`,
    atMs: raisedMs,
    raisedMs,
    value: 84,
    unit: '%',
    text,
    ...more,
  }
}

/** Those that are there when the demo starts. */
export function firstAlarms(now: number): AlarmRecord[] {
  const pump = { rule: 'absent', subject: 'pump-2', device: 'pump-2', channel: 'flow', technical: true, value: undefined }
  const bed4 = { rule: 'fever', subject: 'Bed 4', device: 'patch-4', channel: 'temperature', unit: 'Cel' }
  return [
    demoAlarm(now - 75_000),
    demoAlarm(now - 240_000, {
      ...pump,
      id: 'absent/pump-2',
      priority: 'medium',
      raisedMs: now - 240_000,
      text: 'No reading for 60 s: unplugged',
    }),
    demoAlarm(now, {
      ...bed4,
      id: 'fever/patch-4',
      priority: 'low',
      raisedMs: now - 900_000,
      acknowledged: true,
      by: 'M. Okafor',
      note: 'paracetamol given',
      value: 37.6,
      text: 'Temperature 37.6 °C above 37.5 °C for 5 min',
    }),
    demoAlarm(now, {
      id: 'low-spo2/oximeter-1/spo2/1',
      subject: 'Bed 1',
      device: 'oximeter-1',
      raisedMs: now - 5_400_000,
      active: false,
      acknowledged: true,
      clearedMs: now - 5_310_000,
      by: 'A. Lindqvist',
      value: 86,
      text: 'SpO₂ 86 % below 88 % for 10 s',
    }),
  ]
}
