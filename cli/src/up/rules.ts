/** Alarm rules of the simulated ward. */
export const alarmRules = [
  {
    name: 'spo2-low',
    channel: 'spo2',
    condition: 'below',
    set: 88,
    clear: 90,
    delayOnMs: 5000,
    delayOffMs: 3000,
    priority: 'high',
  },
  {
    name: 'pulse-out-of-range',
    channel: 'pulse_rate',
    condition: 'outside',
    low: 40,
    high: 140,
    hysteresis: 2,
    delayOnMs: 5000,
    priority: 'medium',
  },
  { name: 'no-spo2', channel: 'spo2', condition: 'absent', afterMs: 10_000, priority: 'low' },
]
