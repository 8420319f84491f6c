import { expect, test } from 'vitest'
import { effectAt, type Labelled, probationOf, profiles, scoreAll } from './score.ts'

const [standard, lowFalsePositives, lowFalseNegatives] = profiles
const series: Labelled[] = [
  {
    rows: 1000,
    windows: [
      [400, 499],
      [700, 799],
    ],
  },
  { rows: 1000, windows: [] },
]
const quiet = () => [new Array(1000).fill(0), new Array(1000).fill(0)] as [number[], number[]]

test('the published worth of a detection in the middle of a window of 403 rows', () => {
  expect(effectAt([[1000, 1402]], 1201).worth).toBeCloseTo(0.86067182427, 10)
})

test('the earliest row of a window is worth 1, its last about nothing; outside it costs, less just behind a window', () => {
  const windows: [number, number][] = [[400, 499]]
  expect(effectAt(windows, 400)).toEqual({ window: 0, worth: 1 })
  expect(effectAt(windows, 499).worth).toBeCloseTo(0.025, 2)
  expect(effectAt(windows, 399)).toEqual({ worth: -1 })
  expect(effectAt(windows, 500).worth).toBeCloseTo(-0.025, 2)
  expect(effectAt(windows, 499 + 99).worth).toBeCloseTo(-0.98661, 4)
  expect(effectAt(windows, 900).worth).toBe(-1)
})

test('nothing found is 0, all at once 100, by each profile', () => {
  const perfect = quiet()
  perfect[0][400] = perfect[0][700] = 1
  for (const profile of profiles) {
    expect(scoreAll(series, quiet(), profile).score).toBe(0)
    expect(scoreAll(series, perfect, profile)).toEqual({ score: 100, threshold: 1 })
  }
})

test('a false positive costs its weight, a missed window too; the threshold is the best one for all series', () => {
  const scores = quiet()
  scores[0][400] = 0.9
  scores[1][500] = 0.9
  scores[1][600] = 0.5
  expect(scoreAll(series, scores, standard!)).toEqual({ score: (100 * (2 - 0.11)) / 4, threshold: 0.9 })
  expect(scoreAll(series, scores, lowFalsePositives!).score).toBeCloseTo((100 * (2 - 0.22)) / 4)
  expect(scoreAll(series, scores, lowFalseNegatives!).score).toBeCloseTo((100 * (3 - 0.11)) / 6)
})

test('of several detections in a window the earliest counts, and none in probation', () => {
  const scores = quiet()
  scores[0].fill(1, 0, probationOf(1000))
  scores[0][450] = scores[0][420] = 1
  const { score } = scoreAll(series, scores, standard!)
  expect(score).toBeCloseTo((100 * (1 + effectAt(series[0]!.windows, 420).worth)) / 4)
  expect([probationOf(1000), probationOf(4032), probationOf(22695)]).toEqual([150, 604, 750])
})
