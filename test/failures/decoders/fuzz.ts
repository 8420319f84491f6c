/** One decoder under fuzz, in a thread of its own: what does not come back in time hangs. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Sink } from '@millrace/edge-agent/decoders'
import { type Subject, subjects, valuesFor } from './subjects.ts'

export interface FuzzOrder {
  index: number
  bytes: number
  seed: number
}

export interface FuzzResult {
  name: string
  bytes: number
  framesPerSecond: number
  /** Readings of frames of which one byte was changed. */
  accepted: number | undefined
  faults: string[]
}

const startMs = 1_790_000_000_000

class Counter implements Sink {
  frames = 0
  readings = 0
  badBytes = 0
  readonly faults: string[] = []
  readonly #known: Set<string>

  constructor(known: string[]) {
    this.#known = new Set(known)
  }

  frame(): void {
    this.frames++
  }

  reading(channel: string, atMs: number): void {
    this.readings++
    this.#see(channel, atMs)
  }

  sample(channel: string, atMs: number): void {
    this.readings++
    this.#see(channel, atMs)
  }

  absent(channel: string, atMs: number): void {
    if (channel !== '*') this.#see(channel, atMs)
  }

  bad(_atMs: number, reason: string, bytes: Uint8Array): void {
    this.badBytes += bytes.length
    if (reason === '' && this.faults.length < 5) this.faults.push('a bad stretch without a reason')
  }

  #see(channel: string, atMs: number): void {
    const isRight = this.#known.has(channel) && Number.isFinite(atMs)
    if (!isRight && this.faults.length < 5) this.faults.push(`channel ${channel} at ${atMs}`)
  }
}

/** mulberry32 */
function randomOf(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit)
  }
}

function fuzz({ index, bytes, seed }: FuzzOrder): FuzzResult {
  const subject = subjects[index]!
  const below = randomOf(seed + index)
  const frames = framesOf(subject, 200, below)
  const faults = [
    ...feed(subject, bytes / 2, below, () => Buffer.from(Uint8Array.from({ length: 1 + below(2000) }, () => below(256)))),
    ...feed(subject, bytes / 2, below, () => mutated(frames, below)),
  ]
  const accepted = subject.isChecked ? acceptedOf(subject, frames, below) : undefined
  return { name: subject.name, bytes, framesPerSecond: rateOf(subject, frames), accepted, faults }
}

function framesOf({ plugin, config }: Subject, count: number, below: (limit: number) => number): Buffer[] {
  const encode = plugin.createEncoder(config as never)
  return Array.from({ length: count }, () => Buffer.from(encode({ values: valuesFor(plugin.channels(config), below) })))
}

/** In pieces of any size, with a reset now and then. What is wrong with what came of it. */
function feed(subject: Subject, total: number, below: (limit: number) => number, next: () => Buffer): string[] {
  const { plugin, config } = subject
  const sink = new Counter(plugin.channels(config).map(({ name }) => name))
  const decoder = plugin.create(config)
  let [given, atMs] = [0, startMs]
  while (given < total) {
    const piece = next()
    for (let from = 0; from < piece.length; ) {
      const length = 1 + below(64)
      atMs += below(30)
      decoder.decode(piece.subarray(from, from + length), atMs, sink)
      from += length
    }
    given += piece.length
    if (below(2000) === 0) decoder.reset()
  }
  if (sink.badBytes > given) sink.faults.push(`${sink.badBytes} bytes reported of ${given}`)
  return sink.faults
}

/** A frame with bytes changed, left out, put in or cut, or a good one. */
function mutated(frames: Buffer[], below: (limit: number) => number): Buffer {
  const frame = Buffer.from(frames[below(frames.length)]!)
  const at = below(frame.length)
  const acts = [
    () => frame,
    () => {
      for (let k = 0; k <= below(4); k++) frame[below(frame.length)] = below(256)
      return frame
    },
    () => Buffer.concat([frame.subarray(0, at), frame.subarray(at + 1 + below(8))]),
    () => Buffer.concat([frame.subarray(0, at), Buffer.from([below(256), below(256)]), frame.subarray(at)]),
    () => frame.subarray(0, at),
    () => Buffer.concat([frame, frame.subarray(at)]),
  ]
  return acts[below(acts.length)]!()
}

/** Readings of a stream of frames of each of which one byte was changed. */
function acceptedOf({ plugin, config, covered }: Subject, frames: Buffer[], below: (limit: number) => number): number {
  const sink = new Counter([])
  const decoder = plugin.create(config)
  for (let k = 0; k < 5000; k++) {
    const frame = Buffer.from(frames[k % frames.length]!)
    for (const [from, to] of covered?.(frame) ?? [[0, frame.length]]) frame[from + below(to - from)]! ^= 1 + below(127)
    decoder.decode(frame, startMs + k * 1000, sink)
  }
  return sink.readings
}

function rateOf({ plugin, config }: Subject, frames: Buffer[]): number {
  const sink = new Counter(plugin.channels(config).map(({ name }) => name))
  const decoder = plugin.create(config)
  const all = Buffer.concat(frames)
  const begunMs = performance.now()
  for (let k = 0; performance.now() - begunMs < 500; k++) decoder.decode(all, startMs + k * 1000, sink)
  return sink.frames / ((performance.now() - begunMs) / 1000)
}

parentPort?.postMessage(fuzz(workerData as FuzzOrder))
