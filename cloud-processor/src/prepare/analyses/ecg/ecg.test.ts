import type { Channel, Segment } from '@millrace/contract'
import { expect, test } from 'vitest'
import { entryOf, tellAll, testAnalysis } from '../conformance.ts'
import { ecg } from './ecg.ts'

const rateHz = 250
const lead: Channel = {
  name: 'ecg',
  kind: 'waveform',
  datatype: 'Int16Array',
  unit: 'mV',
  scale: 0.005,
  intervalMs: 1000 / rateHz,
}

/** A deflection at `at`, in units of the device, with a standard deviation of `widthMs`. */
const bump = (t: number, at: number, height: number, widthMs: number) => height * Math.exp(-0.5 * ((t - at) / widthMs) ** 2)

interface Signal {
  beats: number[]
  seconds: number
  heightAt?: (beatMs: number) => number
  more?: (t: number, k: number) => number
}

/** QRS and T wave at each beat. */
function signal({ beats, seconds, heightAt = () => 200, more = () => 0 }: Signal): Segment[] {
  const values = Array.from({ length: seconds * rateHz }, (_, k) => {
    const t = (k * 1000) / rateHz
    let sum = 1000 + more(t, k)
    for (const at of beats)
      if (Math.abs(at - t) < 600)
        sum += bump(t, at, heightAt(at), 12) - bump(t, at + 25, heightAt(at) / 3, 12) + bump(t, at + 280, heightAt(at) / 5, 45)
    return Math.round(sum)
  })
  const size = 50
  return Array.from({ length: Math.ceil(values.length / size) }, (_, k) => ({
    t: (k * size * 1000) / rateHz,
    i: 1000 / rateHz,
    v: values.slice(k * size, (k + 1) * size),
  }))
}

const every = (ms: number, untilMs: number, fromMs = 500) =>
  Array.from({ length: Math.ceil((untilMs - fromMs) / ms) }, (_, k) => fromMs + k * ms)
/** A few units, the same each time. */
const noise = (k: number) => ((k * 7919) % 13) - 6 + ((k * 104_729) % 7) - 3

const entry = entryOf(ecg, [lead])
const tell = (segments: Segment[]) => tellAll(ecg, entry, [lead], segments)
const of = (output: string, segments: Segment[]) => tell(segments).filter(([name]) => name === output)

testAnalysis(ecg, {
  faulty: [{ qualityMin: 2 }],
  sources: [lead],
  samples: signal({ beats: every(800, 30_000), seconds: 30, more: (_, k) => noise(k) }),
})

test('beats have the time of their largest deflection, and give rate and interval', () => {
  const told = of('rr', signal({ beats: every(750, 20_000), seconds: 21 }))
  expect(told.length).toBeGreaterThanOrEqual(24)
  for (const [, t, rr] of told.slice(2)) {
    expect(Math.abs(((t - 500 + 375) % 750) - 375)).toBeLessThanOrEqual(8)
    expect(Math.abs(Number(rr) - 750)).toBeLessThanOrEqual(8)
  }
  const rates = of('heart_rate', signal({ beats: every(750, 20_000), seconds: 21 }))
  expect(Math.abs(Number(rates.at(-1)![2]) - 80)).toBeLessThanOrEqual(1)
})

test('a pacing spike before a wide beat does not count as a beat', () => {
  const beats = every(900, 30_000)
  const spike = (t: number) => (beats.some((at) => t > at - 122 && t <= at - 114) ? 900 : 0)
  const told = of('rr', signal({ beats, seconds: 30, more: spike }))
  expect(told.slice(2).filter(([, , rr]) => Math.abs(Number(rr) - 900) > 40)).toEqual([])
})

test('intervals of chance are irregular, with one early beat they are not', () => {
  const chance: number[] = []
  for (let t = 500, k = 0; t < 60_000; t += 500 + ((k++ * 271) % 600)) chance.push(t)
  expect(of('irregular', signal({ beats: chance, seconds: 60 })).at(-1)![2]).toBe(true)
  const early = every(800, 30_000).map((t, k) => (k === 28 ? t - 250 : t))
  expect(of('irregular', signal({ beats: early, seconds: 30 })).at(-1)![2]).toBe(false)
})

const before = every(800, 20_000)
const afterBeats = (t: number, value: number) => (t > 20_000 ? value : 0)
const pauses = (more: Partial<Signal>) =>
  of('pause', signal({ beats: before, seconds: 40, more: (_, k) => noise(k), ...more })).filter(
    ([, , seconds, isBad]) => Number(seconds) > 4 && !isBad,
  )

test('a pause is told', () => {
  expect(pauses({}).length).toBeGreaterThan(5)
  expect(pauses({ more: (t, k) => noise(k) + 60 * Math.sin(t / 400) }).length).toBeGreaterThan(5)
})

const clipped = (t: number, value: number) => (t > 20_000 ? 1e6 : value)
/** White, as large as beats. */
const burst = (k: number) => ((Math.imul(k + 1, 2_654_435_761) >>> 8) % 400) - 200

test.each<[string, Partial<Signal>]>([
  ['the lead is off', { more: (t, k) => (t > 20_000 ? 0 : noise(k)) }],
  ['the amplifier is at its end', { more: (t, k) => Math.min(clipped(t, noise(k)), 1047) }],
  ['noise covers the beats', { more: (t, k) => noise(k) + afterBeats(t, burst(k)) }],
  ['the amplitude falls to a fifth', { beats: every(800, 40_000), heightAt: (at) => (at > 20_000 ? 40 : 200), more: () => 0 }],
])('no pause is told where %s', (_, signal) => {
  expect(pauses(signal)).toEqual([])
})

test('a gap begins everything again', () => {
  const one = signal({ beats: every(800, 20_000), seconds: 20 })
  const two = one.map((segment) => ({ ...segment, t: segment.t + 60_000 }))
  const rr = of('rr', [...one, ...two]).map(([, , value]) => Number(value))
  expect(Math.max(...rr)).toBeLessThan(1000)
})
