/**
 * The samples of a WFDB record. Source: WFDB Applications Guide, signal(5), https://physionet.org/physiotools/wag/signal-5.htm
 *
 *   format 16     two bytes a sample, little-endian, two's complement
 *   format 212    two samples of 12 bits in three bytes: [low 8 of A] [high 4 of B, high 4 of A] [low 8 of B]
 *
 * Signals of one file are interleaved by frame: the first signal's samples of the frame, then the next one's. Where a signal
 * has a skew its samples are taken from that many frames further on, so that what was measured together is together.
 * Initial value and checksum are about the samples as they lie in the file.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { invalidRecording } from '../invalid.ts'
import type { WfdbRecord } from './header.ts'

/** Samples of one frame, by signal. */
export type WfdbFrame = number[][]

/** Frames in order, skews undone; in the last ones a skewed signal has no samples. Reads a block at a time. */
export function* readWfdbFrames(record: WfdbRecord): Generator<WfdbFrame> {
  const skews = record.signals.map((signal) => signal.skew)
  const deepest = Math.max(...skews)
  const waiting: WfdbFrame[] = []
  const aligned = () => skews.map((skew, s) => waiting[skew]?.[s] ?? [])
  for (const frame of readStoredFrames(record)) {
    waiting.push(frame)
    if (waiting.length <= deepest) continue
    yield aligned()
    waiting.shift()
  }
  for (; waiting.length > 0; waiting.shift()) yield aligned()
}

/** What the files hold against what the header promises, a sentence a fault; empty when all is well. */
export function checkWfdb(record: WfdbRecord): string[] {
  const first: (number | undefined)[] = []
  const sums = record.signals.map(() => 0)
  for (const frame of readStoredFrames(record)) {
    for (let s = 0; s < frame.length; s++) {
      if (first.length <= s) first[s] = frame[s]![0]
      for (const sample of frame[s]!) sums[s] = (sums[s]! + sample) & 0xffff
    }
  }
  return record.signals.flatMap(({ name, initial, checksum }, s) => [
    ...(initial === undefined || initial === first[s] ? [] : [`${name} starts with ${first[s]}, not ${initial}`]),
    ...(checksum === undefined || (checksum & 0xffff) === sums[s]
      ? []
      : [`${name} sums to ${sums[s]}, not ${checksum & 0xffff}`]),
  ])
}

/** One file of the record, and which of its signals lie in it, in order. */
interface SignalFile {
  descriptor: number
  signals: number[]
  samplesPerFrame: number
  format: 16 | 212
  byteOffset: number
}

const framesPerBlock = 2048

function* readStoredFrames(record: WfdbRecord): Generator<WfdbFrame> {
  const files = openFiles(record)
  try {
    for (let from = 0; from < record.frames; from += framesPerBlock) {
      const count = Math.min(framesPerBlock, record.frames - from)
      const blocks = files.map((file) => readBlock(record, file, from * file.samplesPerFrame, count * file.samplesPerFrame))
      for (let k = 0; k < count; k++) yield frameOf(record, files, blocks, k)
    }
  } finally {
    for (const file of files) closeSync(file.descriptor)
  }
}

function openFiles(record: WfdbRecord): SignalFile[] {
  const files = new Map<string, SignalFile>()
  for (const [s, { file: name, format, byteOffset, samplesPerFrame }] of record.signals.entries()) {
    let file = files.get(name)
    if (!file) {
      file = { descriptor: openSignalFile(record, name), signals: [], samplesPerFrame: 0, format, byteOffset }
      files.set(name, file)
    }
    file.signals.push(s)
    file.samplesPerFrame += samplesPerFrame
  }
  return [...files.values()]
}

function openSignalFile(record: WfdbRecord, name: string): number {
  try {
    return openSync(join(dirname(record.path), name), 'r')
  } catch (cause) {
    throw invalidRecording(record.path, `its signal file ${name} cannot be read`, cause)
  }
}

/** Samples `first` to `first + count` of one file, as they lie in it. */
function readBlock(record: WfdbRecord, { descriptor, format, byteOffset }: SignalFile, first: number, count: number): Int16Array {
  // In format 212 samples come in pairs: start at the first of a pair.
  const odd = format === 212 ? first & 1 : 0
  const bytesPerSample = format === 212 ? 1.5 : 2
  const bytes = Buffer.alloc(Math.ceil((odd + count) * bytesPerSample))
  const got = readSync(descriptor, bytes, 0, bytes.length, byteOffset + (first - odd) * bytesPerSample)
  if (got < bytes.length) throw invalidRecording(record.path, 'a signal file is shorter than the header says')
  const sampleAt = format === 212 ? sample212 : sample16
  const samples = new Int16Array(count)
  for (let k = 0; k < count; k++) samples[k] = sampleAt(bytes, odd + k)
  return samples
}

function sample16(bytes: Buffer, index: number): number {
  return bytes.readInt16LE(2 * index)
}

function sample212(bytes: Buffer, index: number): number {
  const at = (index >> 1) * 3
  const middle = bytes[at + 1]!
  const raw = index & 1 ? bytes[at + 2]! | ((middle & 0xf0) << 4) : bytes[at]! | ((middle & 0x0f) << 8)
  return (raw << 20) >> 20
}

function frameOf(record: WfdbRecord, files: SignalFile[], blocks: Int16Array[], k: number): WfdbFrame {
  const frame: WfdbFrame = new Array(record.signals.length)
  for (let f = 0; f < files.length; f++) {
    let at = k * files[f]!.samplesPerFrame
    for (const s of files[f]!.signals) {
      const samples: number[] = []
      for (let n = record.signals[s]!.samplesPerFrame; n > 0; n--) samples.push(blocks[f]![at++]!)
      frame[s] = samples
    }
  }
  return frame
}
