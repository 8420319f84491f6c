/**
 * WFDB records, by their headers (`.hea`). Signals of more than one sample a second are waveforms: their channels are those of the
 * record, with its own integers, scale and unit. Slower ones are rows, with the time and a column for each signal.
 */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import { readTime } from '@millrace/cloud-processor/prepare'
import type { Channel, Segment } from '@millrace/contract'
import { MillraceError, ownOr, setOwn } from '@millrace/platform'
import { z } from 'zod'
import type { Block, Extract, Place, Row } from '../extract.ts'
import { type Header, readHeader, type Signal } from './header.ts'
import { formats } from './samples.ts'

const schema = z.strictObject({
  start: z.iso
    .datetime({ offset: true })
    .optional()
    .describe('When the record begins; absent: as its header says, in UTC. Dates of PhysioNet are often shifted into the future'),
})
type Config = z.infer<typeof schema>

export const wfdb: Extract<Config> = {
  kind: 'wfdb',
  schema,
  isAppendable: false,
  time: { column: 'time', unit: 'ms' },
  channels: (path) => wavesOf(headerOf(path)).map((signal) => channelOf(signal, headerOf(path))),
  beside: (path) => [...new Set(headerOf(path).signals.map(({ file }) => file))],
  read,
}

const blockMs = 20_000
const blockRows = 5000

function headerOf(path: string): Header {
  try {
    return checked(readHeader(path))
  } catch (cause) {
    throw new MillraceError('IMPORT_FILE', { path, detail: (cause as Error).message }, cause)
  }
}

function checked(header: Header): Header {
  const { signals, frames } = header
  for (const { file, format } of signals) {
    const samples = frames * frameOf(signals, file)
    if (!formats.has(format)) throw new Error(`${file} has the format ${format}; 16 and 212 are read`)
    if (!existsSync(file)) throw new Error(`${file} is not there`)
    const bytes = formats.get(format)!.bytesOf(samples) + signals.find((one) => one.file === file)!.offset
    const { size } = statSync(file)
    if (size < bytes) throw new Error(`${file} has ${size} bytes, and its header says ${bytes}: it was cut off`)
  }
  return header
}

const of = (signals: Signal[], file: string) => signals.filter((signal) => signal.file === file)
/** Samples of a frame in one file. */
const frameOf = (signals: Signal[], file: string) =>
  of(signals, file).reduce((sum, { samplesPerFrame }) => sum + samplesPerFrame, 0)
const rateOf = ({ samplesPerFrame }: Signal, { frequency }: Header) => samplesPerFrame * frequency
const wavesOf = (header: Header) => header.signals.filter((signal) => rateOf(signal, header) > 1)

const units = new Map([
  ['mmHg', 'mm[Hg]'],
  ['bpm', '/min'],
  ['pm', '/min'],
  ['NU', '1'],
])

function channelOf(signal: Signal, header: Header): Channel {
  const { name, gain, baseline, units: unit } = signal
  const scale = 1 / gain
  return {
    ...{ name, kind: 'waveform', datatype: 'Int16Array', unit: units.get(unit) ?? unit, scale, historical: true },
    ...(baseline === 0 ? {} : { offset: -baseline * scale }),
    intervalMs: 1000 / rateOf(signal, header),
  }
}

async function* read(path: string, { start }: Config, from: Place): AsyncGenerator<Block> {
  const header = headerOf(path)
  const startMs = start === undefined ? header.startMs : (readTime(start, {}) as number)
  if (startMs === undefined)
    throw new MillraceError('IMPORT_FILE', { path, detail: 'its header has no date: say `start` under `extract`' })
  const hasWaves = wavesOf(header).length > 0
  // Even, as two samples of format 212 share a byte.
  const size = hasWaves ? 2 * Math.ceil((header.frequency * blockMs) / 2000) : blockRows
  for (let at = from.at; at < header.frames; at += size) {
    const end = Math.min(header.frames, at + size)
    const block: Block = { rows: [], bad: [], place: { at: end, rows: end } }
    if (hasWaves) block.waves = {}
    const rows = Array.from({ length: hasWaves ? 0 : end - at }, (_, k) => rowAt(at + k, startMs, header))
    for (const signal of header.signals) {
      const samples = samplesOf(signal, header, { at, end })
      if (!hasWaves) fill(rows, signal, samples)
      else addWaves(block.waves!, signal, { samples, header, atMs: startMs + (at * 1000) / header.frequency })
    }
    yield { ...block, rows }
  }
}

function rowAt(frame: number, startMs: number, { frequency }: Header): Row {
  return { number: frame + 1, fields: { time: Math.round(startMs + (frame * 1000) / frequency) } }
}

function samplesOf(signal: Signal, { signals }: Header, { at, end }: { at: number; end: number }): number[] {
  const { file, format, offset, samplesPerFrame } = signal
  const { bytesOf, at: sampleAt } = formats.get(format)!
  const perFrame = frameOf(signals, file)
  const bytes = Buffer.alloc(bytesOf((end - at) * perFrame))
  const handle = openSync(file, 'r')
  try {
    readSync(handle, bytes, 0, bytes.length, offset + bytesOf(at * perFrame))
  } finally {
    closeSync(handle)
  }
  const siblings = of(signals, file)
  const before = siblings.slice(0, siblings.indexOf(signal)).reduce((sum, one) => sum + one.samplesPerFrame, 0)
  const samples: number[] = []
  for (let frame = 0; frame < end - at; frame++)
    for (let k = 0; k < samplesPerFrame; k++) samples.push(sampleAt(bytes, frame * perFrame + before + k))
  return samples
}

function fill(rows: Row[], { name, gain, baseline, format }: Signal, samples: number[]): void {
  const { none } = formats.get(format)!
  for (const [k, raw] of samples.entries()) if (raw !== none) setOwn<unknown>(rows[k]!.fields, name, (raw - baseline) / gain)
}

interface Read {
  samples: number[]
  header: Header
  atMs: number
}

/** A sample without a value ends a segment. */
function addWaves(waves: Record<string, Segment[]>, signal: Signal, { samples, header, atMs }: Read): void {
  const { none } = formats.get(signal.format)!
  const i = 1000 / rateOf(signal, header)
  const segments = ownOr(waves, signal.name, (): Segment[] => [])
  let open: Segment | undefined
  for (const [k, raw] of samples.entries()) {
    if (raw === none) open = undefined
    else if (open) open.v.push(raw)
    else {
      open = { t: atMs + k * i, i, v: [raw] }
      segments.push(open)
    }
  }
}
