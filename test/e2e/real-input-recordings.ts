/**
 * What the recordings hold, read here a second time and in another way than the simulator reads them, so that a fault shared by
 * simulator and decoder cannot hide.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** One signal of a WFDB record, as it lies in the file. */
export interface Signal {
  name: string
  samplesPerFrame: number
  /** Frames that its samples come late; the first so many have no counterpart in the other signals. */
  skew: number
  /** Of the header: sum of all samples, modulo 65,536. Undefined for a slice. */
  checksum: number | undefined
  samples: Int16Array
}

export interface Record {
  framesPerSecond: number
  frames: number
  signals: Signal[]
}

/** A record of one signal file in format 212 (https://physionet.org/physiotools/wag/signal-5.htm). */
export function readRecord(header: string): Record {
  const [first, ...lines] = readFileSync(header, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && line[0] !== '#')
  const [, count, rate, frames] = first!.split(/\s+/)
  const described = lines.slice(0, Number(count)).map((line) => line.split(/\s+/))
  const signals = described.map((fields): Signal => {
    const [format, ...more] = fields[1]!.split(/(?=[x:])/)
    if (format !== '212') throw new Error(`${header}: format ${format}`)
    const samplesPerFrame = Number(more.find((part) => part[0] === 'x')?.slice(1) ?? 1)
    const skew = Number(more.find((part) => part[0] === ':')?.slice(1) ?? 0)
    const checksum = fields[6] === undefined ? undefined : Number(fields[6]) & 0xffff
    return { name: fields[8] ?? '', samplesPerFrame, skew, checksum, samples: new Int16Array(Number(frames) * samplesPerFrame) }
  })
  deal(nibbles(readFileSync(join(dirname(header), described[0]![0]!))), signals, Number(frames))
  return { framesPerSecond: Number(rate), frames: Number(frames), signals }
}

/** All samples of the file, signals interleaved: a string of 12-bit groups, read as hex digits. */
function nibbles(bytes: Buffer): (index: number) => number {
  return (index) => {
    const at = Math.floor(index / 2) * 3
    const [low, middle, high] = [bytes[at]!, bytes[at + 1]!, bytes[at + 2]!]
    const value = index % 2 === 0 ? low + 256 * (middle % 16) : high + 256 * Math.floor(middle / 16)
    return value > 2047 ? value - 4096 : value
  }
}

function deal(sampleAt: (index: number) => number, signals: Signal[], frames: number): void {
  let index = 0
  for (let frame = 0; frame < frames; frame++)
    for (const { samples, samplesPerFrame } of signals)
      for (let k = 0; k < samplesPerFrame; k++) samples[frame * samplesPerFrame + k] = sampleAt(index++)
}

/** The first `seconds` of a record, as a record of its own in `dir`; the path of its header. */
export function sliceRecord(header: string, seconds: number, dir: string): string {
  const { framesPerSecond, signals } = readRecord(header)
  const frames = framesPerSecond * seconds
  const text = readFileSync(header, 'utf8').split('\n')
  const [name, ...rest] = text[0]!.split(' ')
  text[0] = [name, rest[0], rest[1], frames].join(' ')
  // Without checksum: that of the header is about the whole.
  for (let s = 1; s <= signals.length; s++)
    text[s] = text[s]!.split(' ')
      .toSpliced(6, 1, `${sumOf(signals[s - 1]!, frames)}`)
      .join(' ')
  const perFrame = signals.reduce((sum, { samplesPerFrame }) => sum + samplesPerFrame, 0)
  const file = text[1]!.split(' ')[0]!
  writeFileSync(join(dir, file), readFileSync(join(dirname(header), file)).subarray(0, Math.ceil(frames * perFrame * 1.5)))
  const path = join(dir, `${name}.hea`)
  writeFileSync(path, text.join('\n'))
  return path
}

function sumOf({ samples, samplesPerFrame }: Signal, frames: number): number {
  return checksumOf(samples.subarray(0, frames * samplesPerFrame))
}

/** As WFDB's: the sum, modulo 65,536. */
export function checksumOf(samples: ArrayLike<number>): number {
  let sum = 0
  for (let k = 0; k < samples.length; k++) sum = (sum + samples[k]! + 65_536) % 65_536
  return sum
}

/**
 * Bad sentences of an NMEA log. A sentence is what stands between line ends, or from one `$` or `!` to the next; lines of the
 * log keeper (`#`) are none. Bad is one with bytes other than printable ASCII, one that does not begin with `$` or `!`, and one
 * without the right checksum.
 */
export function badSentences(path: string): string[] {
  return readFileSync(path, 'latin1')
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .flatMap((line) => line.replace(/\r$/, '').split(/(?=[$!])/))
    .filter((sentence) => sentence !== '' && !isGood(sentence))
}

function isGood(sentence: string): boolean {
  const [, body, sum] = /^[$!]([ -)+-~]*)\*([0-9A-Fa-f]{2})$/.exec(sentence) ?? []
  if (body === undefined || sum === undefined) return false
  return [...body].reduce((xor, character) => xor ^ character.charCodeAt(0), 0) === Number.parseInt(sum, 16)
}

export function missing(dir: string, paths: string[]): string[] {
  return paths.filter((path) => !existsSync(join(dir, path)))
}
