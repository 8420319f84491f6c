/** What a decoder makes of bytes, as lines for people, and the sums. */
import { type Channel, scaled, type Value } from '@millrace/contract'
import type { DecoderPlugin, Sink } from '../decoders/index.ts'

const linesMax = 200
const hexBytesMax = 40

type Say = (line: string) => void

export class Tried implements Sink {
  frames = 0
  readings = 0
  badBytes = 0
  readonly samples = new Map<string, number>()
  /** Bad stretches by reason. */
  readonly reasons = new Map<string, number>()
  readonly #channels: Map<string, Channel>
  readonly #explain: (bytes: Uint8Array) => string | undefined
  readonly #startMs: number
  readonly #say: Say
  #said = 0

  constructor(
    { plugin, config, startMs }: { plugin: Pick<DecoderPlugin, 'channels' | 'explain'>; config: unknown; startMs: number },
    say: Say,
  ) {
    this.#channels = new Map(plugin.channels(config).map((channel) => [channel.name, channel]))
    this.#explain = (bytes) => plugin.explain?.(config, bytes)
    this.#startMs = startMs
    this.#say = say
  }

  frame(): void {
    this.frames++
  }

  reading(name: string, atMs: number, value: Value, quality?: string): void {
    this.readings++
    const channel = this.#channels.get(name)
    const shown = typeof value === 'number' && channel ? Number(scaled(value, channel).toPrecision(12)) : value
    const unit = channel && channel.unit !== '1' ? ` ${channel.unit}` : ''
    this.#line(atMs, `${name} ${shown}${unit}${quality ? ` (${quality})` : ''}`)
  }

  sample(name: string): void {
    this.samples.set(name, (this.samples.get(name) ?? 0) + 1)
  }

  absent(name: string, atMs: number, reason: string): void {
    this.#line(atMs, `${name === '*' ? 'all channels' : name}: no value (${reason})`)
  }

  bad(atMs: number, reason: string, bytes: Uint8Array): void {
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1)
    this.badBytes += bytes.length
    const why = this.#explain(bytes)
    this.#line(atMs, `bad: ${reason}, ${bytes.length} bytes: ${hexOf(bytes)}${why === undefined ? '' : `\n           ${why}`}`)
  }

  refuse(why: string): void {
    this.#say(`refused: ${why}`)
  }

  sums(): string {
    const samples = [...this.samples].map(([name, count]) => `, ${count} samples of ${name}`).join('')
    const bad = [...this.reasons].map(([reason, count]) => `${reason} ${count}`).join(', ')
    return `${this.frames} frames, ${this.readings} readings${samples}; bad: ${bad || 'none'}`
  }

  #line(atMs: number, text: string): void {
    if (this.#said++ < linesMax) this.#say(`${((atMs - this.#startMs) / 1000).toFixed(3).padStart(9)}  ${text}`)
    else if (this.#said === linesMax + 1) this.#say('           (more is only counted)')
  }
}

export function hexOf(bytes: Uint8Array, max = hexBytesMax): string {
  const text = Buffer.from(bytes.subarray(0, max))
    .toString('hex')
    .replace(/(..)(?=.)/g, '$1 ')
  return bytes.length > max ? `${text} ...` : text
}
