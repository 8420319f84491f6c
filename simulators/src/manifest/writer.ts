/** Writes a manifest as a run goes on, holding about a second of it in memory. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Segment, Value } from '@millrace/contract'
import { makeFolder } from '@millrace/platform'
import type { Emission } from '../instruments/instrument.ts'
import type { DeviceTotals, Fault, ManifestDevice, ManifestHeader, ManifestLine, Produced } from './manifest.ts'

export interface ManifestWriter {
  /** The line took a whole frame, or a whole stretch of garbage. */
  produced(device: string, emission: Emission, atMs: number): void
  /** Samples from here on do not follow on those before. */
  broken(device: string): void
  fault(fault: Omit<Fault, 'k'>): void
  /** Appends what came since the last call. */
  flush(): void
  /** Appends the last line and closes. */
  end(): void
  totals(): Record<string, DeviceTotals>
}

/** Appended at once when so many frames wait, whatever the time: a fast replay must not fill the memory. */
const framesMax = 20_000

/** Without a path it only counts. */
export function createManifest(path: string | undefined, header: Omit<ManifestHeader, 'f' | 'k'>): ManifestWriter {
  const file = path === undefined ? undefined : openManifest(path)
  const books = new Map(header.devices.map((device) => [device.device, new Book(device, file !== undefined)]))
  let faults: Fault[] = []
  let frames = 0
  const append = (lines: ManifestLine[]) => {
    if (file !== undefined && lines.length > 0) writeSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  }
  const flush = () => {
    append([...books.values()].flatMap((book) => book.take()))
    append(faults)
    faults = []
    frames = 0
  }
  const totals = () => Object.fromEntries([...books].map(([device, book]) => [device, { ...book.totals }]))
  append([{ f: 1, k: 'manifest', ...header }])
  return {
    produced(device, emission, atMs) {
      books.get(device)!.enter(emission, atMs)
      if (++frames >= framesMax) flush()
    },
    broken: (device) => books.get(device)!.breakSegments(),
    fault: (fault) => faults.push({ k: 'fault', ...fault }),
    flush,
    totals,
    end() {
      flush()
      append([{ k: 'end', totals: totals() }])
      if (file !== undefined) closeSync(file)
    },
  }
}

function openManifest(path: string): number {
  makeFolder(dirname(path), 0o755)
  return openSync(path, 'w')
}

interface Wave {
  intervalMs: number
  segments: Segment[]
  /** The next sample follows on the newest segment. */
  isOpen: boolean
}

/** What one device produced: counts since the start, values since they were last taken. */
class Book {
  readonly totals: DeviceTotals = { readings: 0, samples: 0, frames: 0, bad: 0 }
  readonly #device: string
  readonly #keepsValues: boolean
  readonly #columns: Map<string, { t: number[]; v: Value[] }>
  readonly #waves: Map<string, Wave>

  constructor({ device, channels }: ManifestDevice, keepsValues: boolean) {
    this.#device = device
    this.#keepsValues = keepsValues
    this.#columns = new Map(channels.map(({ name }) => [name, { t: [], v: [] }]))
    this.#waves = new Map(channels.map(({ name, intervalMs = 0 }) => [name, { intervalMs, segments: [], isOpen: false }]))
  }

  enter({ frames, bad, readings, samples }: Emission, atMs: number): void {
    this.totals.frames += frames
    this.totals.bad += bad
    this.totals.readings += readings.length
    this.totals.samples += samples.length
    if (!this.#keepsValues) return
    for (const [channel, value] of readings) {
      const column = this.#columns.get(channel)!
      column.t.push(atMs)
      column.v.push(value)
    }
    for (const [channel, value] of samples) this.#addSample(this.#waves.get(channel)!, atMs, value)
  }

  breakSegments(): void {
    for (const wave of this.#waves.values()) wave.isOpen = false
  }

  take(): Produced[] {
    const device = this.#device
    const lines: Produced[] = []
    for (const [channel, { t, v }] of this.#columns) {
      if (t.length === 0) continue
      lines.push({ k: 'produced', device, channel, t, v })
      this.#columns.set(channel, { t: [], v: [] })
    }
    for (const [channel, wave] of this.#waves)
      for (const segment of wave.segments.splice(0)) lines.push({ k: 'produced', device, channel, ...segment })
    this.breakSegments()
    return lines
  }

  #addSample(wave: Wave, atMs: number, value: number): void {
    if (!wave.isOpen) wave.segments.push({ t: atMs, i: wave.intervalMs, v: [] })
    wave.isOpen = true
    wave.segments.at(-1)!.v.push(value)
  }
}
