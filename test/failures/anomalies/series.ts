/**
 * Series of the Numenta Anomaly Benchmark: CSV with `timestamp,value`, in the folder or in folders of it, and the windows of
 * anomaly in `combined_windows.json` in the folder, or in `labels/` in it or beside it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { CannotRun } from '../../support/program.ts'
import type { Labelled } from './score.ts'

export interface Series extends Labelled {
  name: string
  /** ms. */
  times: number[]
  values: number[]
}

type Windows = Record<string, [string, string][]>

export function readSeries(folder: string): Series[] {
  const windows = readWindows(folder)
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.csv'))
  const all = files.sort().flatMap((file) => {
    const key = Object.keys(windows).find((one) => one === file || basename(one) === basename(file))
    return key === undefined ? [] : [readOne(join(folder, file), windows[key]!)]
  })
  if (all.length === 0) throw new CannotRun(`${folder} has no CSV file that combined_windows.json names`)
  return all
}

function readWindows(folder: string): Windows {
  const places = ['.', 'labels', '../labels'].map((place) => join(folder, place, 'combined_windows.json'))
  const file = places.find((place) => existsSync(place))
  if (file === undefined) throw new CannotRun(`no combined_windows.json in ${folder}, nor in labels/ in it or beside it`)
  return JSON.parse(readFileSync(file, 'utf8')) as Windows
}

function readOne(file: string, windows: [string, string][]): Series {
  const lines = readFileSync(file, 'utf8').trim().split(/\r?\n/).slice(1)
  const rows = lines.map((line) => line.split(','))
  const times = rows.map(([time]) => timeOf(time!))
  return {
    name: basename(file, '.csv'),
    rows: rows.length,
    times,
    values: rows.map(([, value]) => Number(value)),
    windows: windows.map(([from, to]) => {
      const [fromMs, toMs] = [timeOf(from), timeOf(to)]
      return [times.findIndex((t) => t >= fromMs), times.findLastIndex((t) => t <= toMs)]
    }),
  }
}

/** `2014-04-01 00:00:00` and `2014-04-10 16:15:00.000000`, taken as UTC. */
const timeOf = (text: string) => Date.parse(`${text.slice(0, 19).replace(' ', 'T')}Z`)
