/**
 * Plays a WFDB record as OpenBCI Cyton amplifiers, whose 24 bits hold every sample as it is: one simulated amplifier for each
 * sampling rate of the record, and another where one rate has more than eight signals. Unit and scale go into the decoder's
 * configuration, so what is stored is the record's own integers.
 *
 * A skewed signal ends early; its inputs then carry the value that the format keeps for "no sample".
 */
import { decoderOf } from '../../instruments/decoder-of.ts'
import type { Emission, Instrument } from '../../instruments/instrument.ts'
import { invalidRecording } from '../invalid.ts'
import { createPlayer } from '../player.ts'
import { readWfdbHeader, type WfdbRecord, type WfdbSignal } from './header.ts'
import { checkWfdb, readWfdbFrames } from './samples.ts'

const inputsMax = 8
/** WFDB_INVALID_SAMPLE of each format. */
const noSample = { 16: -32_768, 212: -2048 } as const
/** Units as PhysioNet writes them, in UCUM. */
const ucum: Record<string, string> = { bpm: '/min', pm: '/min', mmHg: 'mm[Hg]', degC: 'Cel' }

/** By a name that tells them apart, such as `500hz`. @throws MillraceError RECORDING_INVALID, also where a checksum is wrong. */
export function openWfdb(path: string): Map<string, Instrument> {
  const record = readWfdbHeader(path)
  const faults = checkWfdb(record)
  if (faults.length > 0) throw invalidRecording(path, faults.join('; '))
  return new Map(amplifiers(record).map(([name, signals]) => [name, amplifier(record, signals)]))
}

/** Which signals, by their index, go to which amplifier. */
function amplifiers({ signals }: WfdbRecord): [name: string, signals: number[]][] {
  const byRate = Map.groupBy(signals.keys(), (s) => signals[s]!.rateHz)
  return [...byRate].flatMap(([rateHz, indices]) =>
    Array.from({ length: Math.ceil(indices.length / inputsMax) }, (_, k): [string, number[]] => [
      `${Number(rateHz.toPrecision(3))}hz${k === 0 ? '' : `-${k + 1}`}`.replace('.', '-'),
      indices.slice(k * inputsMax, (k + 1) * inputsMax),
    ]),
  )
}

function amplifier(record: WfdbRecord, indices: number[]): Instrument {
  const plugin = decoderOf('openbci-cyton')
  const signals = indices.map((index) => record.signals[index]!)
  const { rateHz } = signals[0]!
  const config = plugin.schema.parse({ rateHz, channels: signals.map(channelOf) })
  const encode = plugin.createEncoder(config)
  const moments = play(record, indices, (values) => encode({ values }))
  return createPlayer({ kind: plugin.kind, config, channels: plugin.channels(config), rateHz, moments })
}

function channelOf({ name, unit, gain, baseline }: WfdbSignal) {
  return { name, unit: ucum[unit] ?? unit, scale: 1 / gain, offset: baseline === 0 ? 0 : -baseline / gain }
}

function* play(
  record: WfdbRecord,
  indices: number[],
  encode: (values: Record<string, number>) => Uint8Array,
): Generator<Emission[]> {
  for (const frame of readWfdbFrames(record)) {
    for (let k = 0; k < record.signals[indices[0]!]!.samplesPerFrame; k++) {
      const samples = indices.map((s): [string, number] => {
        const { name, format } = record.signals[s]!
        return [name, frame[s]![k] ?? noSample[format]]
      })
      yield [{ bytes: encode(Object.fromEntries(samples)), frames: 1, bad: 0, readings: [], samples }]
    }
  }
}
