/** An invented ward and plant for the demo: devices, their channels, and their signals as functions of time. */
import type { Channel } from '@millrace/contract'

export interface DemoDevice {
  device: string
  subject: string
  node: string
  channels: Channel[]
  /** Raw integer of a scalar channel at a time; undefined when it measures nothing. */
  scalar(channel: string, t: number): number | undefined
  /** Raw integer of a waveform sample. */
  sample?(channel: string, t: number): number
}

const number = (name: string, unit: string, more: Partial<Channel> = {}): Channel => ({
  name,
  kind: 'number',
  datatype: 'Int32',
  unit,
  intervalMs: 1000,
  ...more,
})
const wave = (name: string, unit: string, hz: number, more: Partial<Channel> = {}): Channel => ({
  name,
  kind: 'waveform',
  datatype: 'Int16Array',
  unit,
  intervalMs: 1000 / hz,
  ...more,
})

/** Smooth and repeatable, different for every seed. */
function wander(seed: number, t: number, periodS: number): number {
  const x = t / 1000 / periodS
  return Math.sin(x + seed) * 0.6 + Math.sin(x * 2.7 + seed * 3) * 0.3 + Math.sin(x * 7.1 + seed * 7) * 0.1
}

const bell = (x: number, at: number, width: number) => Math.exp(-(((x - at) / width) ** 2))
const ecgBeat = (p: number) =>
  0.12 * bell(p, 0.16, 0.035) -
  0.1 * bell(p, 0.265, 0.012) +
  bell(p, 0.29, 0.013) -
  0.22 * bell(p, 0.318, 0.014) +
  0.28 * bell(p, 0.55, 0.06)
const plethBeat = (p: number) => bell(p, 0.28, 0.14) + 0.42 * bell(p, 0.62, 0.13)

function oximeter(index: number, subject: string, spo2: number, pulse: number): DemoDevice {
  return {
    device: `oximeter-${index}`,
    subject,
    node: index % 2 ? 'ward-a' : 'ward-b',
    channels: [
      number('spo2', '%', { range: [50, 100], code: 'loinc:59408-5' }),
      number('pulse', '/min', { range: [20, 250], code: 'loinc:8889-8' }),
      wave('pleth', '1', 60),
    ],
    scalar: (channel, t) =>
      channel === 'spo2' ? Math.round(spo2 + wander(index, t, 50) * 1.6) : Math.round(pulse + wander(index + 5, t, 35) * 5),
    sample: (_, t) => Math.round(14 + 88 * plethBeat(((t / 60_000) * pulse) % 1) + 6 * wander(index, t, 3)),
  }
}

export const ward: DemoDevice[] = [
  oximeter(1, 'Bed 1', 97, 72),
  oximeter(2, 'Bed 2', 85, 104),
  oximeter(3, 'Bed 3', 98, 64),
  {
    device: 'patch-4',
    subject: 'Bed 4',
    node: 'ward-a',
    channels: [
      number('heart-rate', '/min', { range: [20, 250], code: 'loinc:8867-4' }),
      number('respiration', '/min', { range: [0, 60], code: 'loinc:9279-1' }),
      number('temperature', 'Cel', { scale: 0.1, range: [30, 43], code: 'loinc:8310-5' }),
      wave('ecg', 'mV', 250, { scale: 0.002 }),
      wave('resp-wave', '1', 25),
    ],
    scalar(channel, t) {
      if (channel === 'heart-rate') return Math.round(78 + wander(3, t, 40) * 7)
      return channel === 'respiration' ? Math.round(15 + wander(9, t, 60) * 3) : Math.round(372 + wander(2, t, 400) * 5)
    },
    sample: (channel, t) =>
      channel === 'ecg'
        ? Math.round(560 * ecgBeat(((t / 60_000) * 78) % 1) + 18 * wander(1, t, 2))
        : Math.round(400 * Math.sin((t / 60_000) * 15 * Math.PI * 2) + 30 * wander(4, t, 5)),
  },
  {
    device: 'air-quality-1',
    subject: 'Room 12',
    node: 'plant',
    channels: [number('pm1', 'ug/m3'), number('pm2.5', 'ug/m3'), number('pm10', 'ug/m3')],
    scalar: (channel, t) => Math.round({ pm1: 6, 'pm2.5': 11, pm10: 19 }[channel as 'pm1'] * (1 + 0.35 * wander(1, t, 90))),
  },
  {
    device: 'meter-1',
    subject: 'Main supply',
    node: 'plant',
    channels: [
      number('power', 'kW', { scale: 0.001 }),
      number('voltage', 'V', { scale: 0.1 }),
      number('energy', 'kW.h', { scale: 0.001 }),
    ],
    scalar(channel, t) {
      if (channel === 'power') return Math.round(2400 + 900 * wander(6, t, 70))
      return channel === 'voltage' ? Math.round(2314 + 20 * wander(8, t, 30)) : Math.round(14_208_115 + (t - 1.764e12) / 1500)
    },
  },
  {
    device: 'pump-2',
    subject: 'pump-2',
    node: 'plant',
    channels: [number('flow', 'L/min', { scale: 0.1 }), number('pressure', 'kPa', { scale: 0.1 })],
    scalar: (channel, t) => Math.round(channel === 'flow' ? 312 + 12 * wander(2, t, 20) : 2050 + 40 * wander(5, t, 25)),
  },
  {
    device: 'thermometer-7',
    subject: 'Cold store',
    node: 'plant',
    channels: [number('temperature', 'Cel', { scale: 0.1, range: [-30, 40] })],
    scalar: (_, t) => Math.round(42 + 6 * wander(11, t, 200)),
  },
]
