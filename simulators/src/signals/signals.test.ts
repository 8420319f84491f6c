import { expect, it } from 'vitest'
import { createEcg } from './ecg.ts'
import { createHeart, restingHeart } from './heart.ts'
import { createPleth } from './pleth.ts'
import { createRandom } from './random.ts'
import { createSaturation, restingSaturation } from './saturation.ts'
import { createTrack, hospitalCorridor } from './track.ts'

const take = <T>(count: number, next: () => T) => Array.from({ length: count }, next)
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const deviation = (values: number[]) => {
  const middle = mean(values)
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)))
}
const heart = () => createHeart(createRandom(1, 'heart'), restingHeart)

it('the same seed and name give the same numbers, and another of either gives others', () => {
  const numbers = (seed: number, name: string) => take(8, createRandom(seed, name).next)
  expect(numbers(1, 'a')).toEqual(numbers(1, 'a'))
  expect(numbers(1, 'a')).not.toEqual(numbers(2, 'a'))
  expect(numbers(1, 'a')).not.toEqual(numbers(1, 'b'))
})

it('random numbers are even from 0 to 1, whole ones below their limit, normal ones normal', () => {
  const random = createRandom(7)
  expect(mean(take(100_000, random.next))).toBeCloseTo(0.5, 2)
  expect(new Set(take(1000, () => random.below(5)))).toEqual(new Set([0, 1, 2, 3, 4]))
  const normal = take(100_000, random.normal)
  expect(mean(normal)).toBeCloseTo(0, 1)
  expect(deviation(normal)).toBeCloseTo(1, 1)
})

it('the heart beats at its mean rate, varying as much as asked', () => {
  const resting = heart()
  const rates = take(20_000, () => 0).map((_, k) => 60 / resting.beatSeconds(k / 10))
  expect(mean(rates)).toBeCloseTo(restingHeart.bpm, 0)
  expect(deviation(rates)).toBeGreaterThan(1)
  expect(deviation(rates)).toBeLessThan(2)
})

it('the ECG has one R wave of about a millivolt a beat, with an S wave below the line', () => {
  const samples = take(250 * 60, createEcg(heart(), 1 / 250)).slice(500)
  const peaks = samples.filter((value, k) => value > 0.6 && value >= samples[k - 1]! && value > samples[k + 1]!)
  expect(peaks.length).toBeGreaterThanOrEqual(68)
  expect(peaks.length).toBeLessThanOrEqual(72)
  expect(Math.max(...samples)).toBeGreaterThan(0.8)
  expect(Math.max(...samples)).toBeLessThan(1.6)
  expect(Math.min(...samples)).toBeLessThan(-0.2)
})

it('the pleth stays within 0 and 1 and rises steeply once a beat', () => {
  const samples = take(60 * 60, createPleth(heart(), 1 / 60)).map(({ value }) => value)
  expect(Math.min(...samples)).toBeGreaterThanOrEqual(0)
  expect(Math.max(...samples)).toBeLessThanOrEqual(1)
  const rises = samples.filter((value, k) => value >= 0.5 && samples[k - 1]! < 0.5)
  expect(rises.length).toBeGreaterThanOrEqual(70)
  expect(rises.length).toBeLessThanOrEqual(74)
})

it('a desaturation falls to its bottom, holds, and recovers', () => {
  const saturation = createSaturation(createRandom(3), 1, restingSaturation)
  expect(Math.abs(mean(take(60, saturation.next)) - 97)).toBeLessThan(2)
  saturation.desaturate(80, 40)
  const dip = take(60, saturation.next)
  expect(dip.slice(10, 30)).toEqual(Array(20).fill(80))
  expect(Math.min(...dip.slice(41))).toBeGreaterThan(94)
})

it('the track moves by its speed and stays near its start', () => {
  const fixes = take(3600, createTrack(createRandom(5), 1, hospitalCorridor))
  expect(mean(fixes.map(({ speedMs }) => speedMs))).toBeCloseTo(0.9, 0)
  for (const { latitude, longitude, courseDegrees } of fixes) {
    const northM = (latitude - hospitalCorridor.latitude) * 111_133
    const eastM = (longitude - hospitalCorridor.longitude) * 111_133 * Math.cos((52.37 * Math.PI) / 180)
    expect(Math.hypot(northM, eastM)).toBeLessThan(170)
    expect(courseDegrees).toBeGreaterThanOrEqual(0)
    expect(courseDegrees).toBeLessThan(360)
  }
})
