/**
 * The header of a WFDB record of PhysioNet: a text file `x.hea` beside one or more signal files.
 * Source: WFDB Applications Guide, header(5), https://physionet.org/physiotools/wag/header-5.htm
 *
 *   record line   name[/segments] signals [rate[/counter[(base)]] [frames [time [date]]]]
 *   signal line   file format[xN][:skew][+offset] [gain[(baseline)][/units] [resolution [zero [initial [checksum [block [text]]]]]]]
 *
 * `xN` is N samples a frame: the signal's own rate is N times the record's. `skew` is how many frames the signal comes late.
 */
import { readFileSync } from 'node:fs'
import { invalidRecording } from '../invalid.ts'

export interface WfdbSignal {
  file: string
  format: 16 | 212
  samplesPerFrame: number
  /** Frames. */
  skew: number
  byteOffset: number
  /** Raw units a physical unit. */
  gain: number
  /** Raw value of physical zero. */
  baseline: number
  unit: string
  /** First sample in the file. */
  initial?: number
  /** Sum of all samples in the file, modulo 65,536, signed. */
  checksum?: number
  name: string
  /** Samples a second. */
  rateHz: number
}

export interface WfdbRecord {
  /** Of the header. */
  path: string
  name: string
  frames: number
  signals: WfdbSignal[]
}

const signalLine =
  /^(\S+)\s+(16|212)(?:x(\d+))?(?::(\d+))?(?:\+(\d+))?(?:\s+([-\d.eE+]+)(?:\((-?\d+)\))?(?:\/(\S+))?(?:\s+\d+(?:\s+(-?\d+)(?:\s+(-?\d+)(?:\s+(-?\d+)(?:\s+\d+(?:\s+(.*?))?)?)?)?)?)?)?\s*$/

/** `path` is that of the header. @throws MillraceError RECORDING_INVALID where it is none, or of a kind not known here. */
export function readWfdbHeader(path: string): WfdbRecord {
  const lines = readText(path)
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
  const [name = '', count = '', rate = '250', frames = '0'] = (lines[0] ?? '').trim().split(/\s+/)
  const signals = lines.slice(1, 1 + Number(count)).map((line) => readSignal(path, line, Number.parseFloat(rate)))
  if (signals.length === 0 || signals.length !== Number(count))
    throw invalidRecording(path, `it has fewer than the ${count} signals that it names`)
  if (!(Number(frames) > 0)) throw invalidRecording(path, 'it does not say how many samples there are')
  return { path, name, frames: Number(frames), signals }
}

function readSignal(path: string, line: string, framesPerSecond: number): WfdbSignal {
  const match = signalLine.exec(line)
  if (!match) throw invalidRecording(path, `signal line "${line}" is not of format 16 or 212`)
  const [, file, format, perFrame, skew, byteOffset, gain, baseline, unit, zero, initial, checksum, name] = match
  const samplesPerFrame = Number(perFrame ?? 1)
  return {
    file: file!,
    format: Number(format) as 16 | 212,
    samplesPerFrame,
    skew: Number(skew ?? 0),
    byteOffset: Number(byteOffset ?? 0),
    gain: Number(gain ?? 0) || 200,
    baseline: Number(baseline ?? zero ?? 0),
    unit: unit ?? 'mV',
    initial: optionalNumber(initial),
    checksum: optionalNumber(checksum),
    name: name || file!,
    rateHz: framesPerSecond * samplesPerFrame,
  }
}

function optionalNumber(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text)
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw invalidRecording(path, cause instanceof Error ? cause.message : `${cause}`, cause)
  }
}
