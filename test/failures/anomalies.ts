/**
 * The analyses `anomaly` and `band` by the scoring of the Numenta Anomaly Benchmark: `npm run break -- anomalies --series <folder>`
 *
 * Beside them a random detector in the same run, whose threshold is chosen in the same way: on a few series it gets more than half of
 * all points. Each series is judged for itself from an empty memory, with one set of parameters: those of the analysis. As the benchmark
 * gives every detector, `anomaly` is told the range of a series; the line "range learnt" is without it, as for a new device.
 */
import { resolve } from 'node:path'
import { analysisOf } from '@millrace/cloud-processor/analyses'
import { readArguments } from '@millrace/platform'
import { createRandom } from '../simulation/random.ts'
import { CannotRun, type Program, program } from '../support/program.ts'
import { probationOf, profiles, scoreAll } from './anomalies/score.ts'
import { readSeries, type Series } from './anomalies/series.ts'

const { values } = readArguments({ call: 'npm run break -- anomalies' }, { series: { type: 'string' } })
const randomRuns = 20
const seriesOfBenchmark = 58

interface Detector {
  name: string
  analysis: string
  output: string
  keys(series: Series): object
}

/** What an entry of the configuration has by default, where the series does not say more. */
const defaults = { contextsMax: 3000, seasonMs: 86_400_000, slots: 48, seasonsMax: 14, factor: 5, least: 0 }

const detectors: Detector[] = [
  {
    name: 'anomaly',
    analysis: 'anomaly',
    output: 'score',
    keys: ({ values: all, rows }) => ({ min: Math.min(...all), max: Math.max(...all), learnReadings: probationOf(rows) }),
  },
  {
    name: 'anomaly, range learnt',
    analysis: 'anomaly',
    output: 'score',
    keys: ({ rows }) => ({ learnReadings: probationOf(rows) }),
  },
  { name: 'band', analysis: 'band', output: 'distance', keys: () => ({}) },
]

await program('anomalies', async (context) => {
  if (values.series === undefined)
    throw new CannotRun('name a folder with series of the Numenta Anomaly Benchmark: --series <folder>')
  const all = readSeries(resolve(values.series))
  const windows = all.reduce((sum, one) => sum + one.windows.length, 0)
  context.say(`${all.length} series, ${windows} windows of anomaly, ${all.reduce((sum, { rows }) => sum + rows, 0)} rows`)
  context.say(`${'detector'.padEnd(24)}${profiles.map(({ name }) => name.padStart(16)).join('')}`)
  for (const detector of detectors) sayScores(context, all, detector)
  sayRandom(context, all)
  if (all.length < seriesOfBenchmark)
    context.say(
      `WARNING: ${all.length} of ${seriesOfBenchmark} series prove nothing. On so few chance moves a score by tens of points: 55 has been reported for a random detector on five series, and the line above is what it gets here.`,
    )
})

function sayScores(context: Program, all: Series[], detector: Detector): void {
  const startedMs = performance.now()
  const scores = all.map((series) => scoresOf(series, detector))
  const us = ((performance.now() - startedMs) * 1000) / all.reduce((sum, { rows }) => sum + rows, 0)
  const told = profiles.map((profile) => scoreAll(all, scores, profile))
  const shown = told.map(({ score }) => score.toFixed(1).padStart(16)).join('')
  context.say(`${detector.name.padEnd(24)}${shown}   ${us.toFixed(1)} us a reading, threshold ${told[0]!.threshold}`)
}

/** Of each row; 0 where nothing was told. */
function scoresOf(series: Series, { analysis: name, output, keys }: Detector): number[] {
  const analysis = analysisOf({ analysis: name })
  const entry = { ...defaults, ...keys(series) }
  const memory = analysis.memory.empty(entry)
  const run = analysis.open(entry, [])
  return series.values.map((value, row) => {
    let score = 0
    run.take!(memory, { source: 0, t: series.times[row]!, value }, (told, _, one) => {
      if (told === output) score = Number(one)
    })
    return score
  })
}

function sayRandom(context: Program, all: Series[]): void {
  const runs = Array.from({ length: randomRuns }, (_, seed) => {
    const random = createRandom(seed + 1, 'anomalies')
    const scores = all.map(({ rows }) => Array.from({ length: rows }, () => random.next()))
    return profiles.map((profile) => scoreAll(all, scores, profile).score)
  })
  const shown = profiles.map((_, k) => {
    const found = runs.map((run) => run[k]!).sort((a, b) => a - b)
    const mean = found.reduce((sum, one) => sum + one, 0) / found.length
    return `${mean.toFixed(1)} (${found[0]!.toFixed(0)}..${found.at(-1)!.toFixed(0)})`.padStart(16)
  })
  context.say(`${'random'.padEnd(24)}${shown.join('')}   mean of ${randomRuns} seeds (least..most)`)
}
