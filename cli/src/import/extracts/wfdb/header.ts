/**
 * The header of a WFDB record, header(5), https://physionet.org/physiotools/wag/header-5.htm
 *
 *   name[/segments] signals [frequency[/counter[(base)]] [samples [time [date]]]]
 *   file format[xSAMPLES][:skew][+offset] [gain[(baseline)][/units] [adcResolution [adcZero [initial checksum block description]]]]
 */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface Signal {
  /** Path of the file with its samples. */
  file: string
  format: number
  samplesPerFrame: number
  /** Bytes before the samples. */
  offset: number
  gain: number
  baseline: number
  units: string
  name: string
}

export interface Header {
  /** Frames a second. */
  frequency: number
  frames: number
  /** By its own time, which has no zone: as if it were UTC. Undefined where it has no date. */
  startMs: number | undefined
  signals: Signal[]
}

/** @throws Error saying what is missing */
export function readHeader(path: string): Header {
  const lines = readFileSync(path, 'utf8')
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
  const [record = '', count, frequency = '250', frames, time, date] = (lines[0] ?? '').trim().split(/\s+/)
  if (record.includes('/')) throw new Error('it has several segments: name them one by one')
  const signals = lines.slice(1, 1 + Number(count)).map((line) => signalOf(line, dirname(path)))
  if (signals.length === 0 || signals.length !== Number(count))
    throw new Error(`it names ${count} signals and describes ${signals.length}`)
  if (!(Number.parseFloat(frequency) > 0) || !(Number(frames) > 0))
    throw new Error('it says neither its frequency nor its length')
  return {
    frequency: Number.parseFloat(frequency),
    frames: Number(frames),
    startMs: startOf(time, date),
    signals: named(signals),
  }
}

function signalOf(line: string, folder: string): Signal {
  const [file = '', format = '', gain = '', , zero = '0', , , , ...description] = line.trim().split(/\s+/)
  const [, number, samples = '1', offset = '0'] = /^(\d+)(?:x(\d+))?(?::\d+)?(?:\+(\d+))?$/.exec(format) ?? []
  const [, factor, base, units = 'mV'] = /^([\d.eE+-]+)?(?:\((-?\d+)\))?(?:\/(\S+))?$/.exec(gain) ?? []
  if (number === undefined) throw new Error(`it has no format in "${line.slice(0, 40)}"`)
  return {
    file: join(folder, file),
    format: Number(number),
    samplesPerFrame: Number(samples),
    offset: Number(offset),
    // A gain of 0 is one that nobody calibrated.
    gain: Number(factor) || 200,
    baseline: Number(base ?? zero),
    units,
    name: description.join(' ') || 'signal',
  }
}

/** Two signals of one name get a number. */
function named(signals: Signal[]): Signal[] {
  return signals.map((signal, k) => {
    const before = signals.slice(0, k).filter(({ name }) => name === signal.name).length
    return before === 0 ? signal : { ...signal, name: `${signal.name} ${before + 1}` }
  })
}

/** `17:27:45 15/08/1994`; a time without a date says only how long after midnight. */
function startOf(time: string | undefined, date: string | undefined): number | undefined {
  const [, day, month, year] = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(date ?? '') ?? []
  const parts = (time ?? '').split(':').map(Number)
  if (day === undefined || parts.length > 3 || parts.some(Number.isNaN)) return undefined
  const seconds = parts.reduce((sum, part) => sum * 60 + part, 0)
  return Date.UTC(Number(year), Number(month) - 1, Number(day)) + Math.round(seconds * 1000)
}
