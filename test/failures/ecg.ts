/**
 * Beats found by the analysis `ecg` against the labels of WFDB records: `npm run break -- ecg --records <folder> [--minutes 10]`
 *
 * Of each record its first lead as it is, and with noise added at 12, 6 and 0 dB; then paced beats of our own. Sensitivity and
 * positive predictivity at 150 ms, median offset; beside XQRS of wfdb (PyPI), in a virtual environment in `.cache`. Fails below
 * 99.7 % on a clean record.
 */
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { analysisOf } from '@millrace/cloud-processor/analyses'
import { readArguments } from '@millrace/platform'
import { readWfdbFrames, readWfdbHeader } from '../../simulators/src/recordings/index.ts'
import { CannotRun, type Program, program } from '../support/program.ts'
import { installPython } from '../support/python.ts'
import { readBeats } from './ecg/annotations.ts'
import { predictivity, type Score, score, sensitivity } from './ecg/score.ts'
import { pacedSignal, withNoise } from './ecg/signals.ts'

const { values } = readArguments({ call: 'npm run break -- ecg' }, { records: { type: 'string' }, minutes: { type: 'string' } })
const percentMin = 99.7
const noises = [12, 6, 0]

interface Signal {
  name: string
  values: number[]
  rateHz: number
  /** Labelled, ms. */
  beats: number[]
  isClean: boolean
}

await program('ecg', async (context) => {
  if (values.records === undefined) throw new CannotRun('name a folder with records of PhysioNet: --records <folder>')
  const python = await installPython('ecg', ['wfdb==4.3.1']).catch((error: Error) => {
    context.say(`without wfdb: ${error.message}`)
    return undefined
  })
  context.say('record          beats   sensitivity  predictivity  offset   |  XQRS: sensitivity  predictivity  offset')
  for (const signal of signals(resolve(values.records))) {
    const own = score(signal.beats, beatsOf(signal))
    const other = python && score(signal.beats, await xqrs(context, python, signal))
    context.say(
      `${signal.name.padEnd(15)} ${`${own.labelled}`.padStart(5)}   ${line(own)}${other ? `   |        ${line(other)}` : ''}`,
    )
    if (signal.isClean && Math.min(sensitivity(own), predictivity(own)) < percentMin)
      context.check(false, `${signal.name}: at least ${percentMin} % of either`)
  }
})

function line(one: Score): string {
  return `${sensitivity(one).toFixed(2).padStart(10)} % ${predictivity(one).toFixed(2).padStart(10)} % ${one.offsetMs.toFixed(0).padStart(5)} ms`
}

function* signals(folder: string): Generator<Signal> {
  const names = readdirSync(folder).filter(
    (name) => name.endsWith('.hea') && existsSync(join(folder, name.replace('.hea', '.atr'))),
  )
  if (names.length === 0) throw new CannotRun(`${folder} has no record with a header (.hea) and beats (.atr)`)
  for (const name of names.map((file) => file.slice(0, -4))) {
    const clean = readSignal(folder, name)
    yield clean
    for (const decibels of noises)
      yield {
        ...clean,
        name: `${name} at ${decibels} dB`,
        values: withNoise(clean.values, clean.rateHz, decibels),
        isClean: false,
      }
  }
  for (const rateHz of [250, 500]) yield { name: `paced ${rateHz} Hz`, rateHz, isClean: true, ...pacedSignal(rateHz, 600) }
}

function readSignal(folder: string, name: string): Signal {
  const record = readWfdbHeader(join(folder, `${name}.hea`))
  const { rateHz } = record.signals[0]!
  const samples = values.minutes === undefined ? Infinity : Number(values.minutes) * 60 * rateHz
  const lead: number[] = []
  for (const frame of readWfdbFrames(record)) {
    if (lead.length >= samples) break
    lead.push(...frame[0]!)
  }
  const beats = readBeats(join(folder, `${name}.atr`)).filter((sample) => sample < lead.length)
  return { name, values: lead, rateHz, beats: beats.map((sample) => (sample * 1000) / rateHz), isClean: true }
}

/** As the processor gets it: a quarter of a second at a time. Intervals are told from the second beat on. */
function beatsOf({ values: lead, rateHz }: Signal): number[] {
  const analysis = analysisOf({ analysis: 'ecg' })
  const memory = analysis.memory.empty({})
  const run = analysis.open({ qualityMin: 0 }, [])
  const beats: number[] = []
  const size = Math.round(rateHz / 4)
  for (let k = 0; k < lead.length; k += size)
    run.takeSegment!(memory, { t: (k * 1000) / rateHz, i: 1000 / rateHz, v: lead.slice(k, k + size) }, (output, t, value) => {
      if (output !== 'rr') return
      if (beats.length === 0) beats.push(t - Number(value))
      beats.push(t)
    })
  return beats
}

async function xqrs({ dir }: Program, python: string, { values: lead, rateHz }: Signal): Promise<number[]> {
  const file = join(dir, 'signal.f32')
  writeFileSync(file, new Uint8Array(Float32Array.from(lead).buffer))
  const script = join(import.meta.dirname, 'ecg/xqrs.py')
  const { stdout } = await promisify(execFile)(python, [script, file, `${rateHz}`], { maxBuffer: 1 << 26 })
  return (JSON.parse(stdout) as number[]).map((sample) => (sample * 1000) / rateHz)
}
