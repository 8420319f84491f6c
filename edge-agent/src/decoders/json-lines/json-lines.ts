/**
 * Devices that print a JSON object a line: microcontrollers, `rtl_433 -F json`.
 *
 *     {"time":"2026-11-29 12:00:00","model":"Acurite-Tower","id":1842,"temperature_C":21.4,"battery_ok":1}\n
 *
 * - A line is bad with its first fault: `too-long`, `not-text`, `not-json`, `not-an-object`.
 * - What a line does not have at a channel's path is not in that line; a null is an absence (`no-value`), told at its change.
 * - A value of another kind than its channel's is refused by the intake by name (`value:<channel>:type`); the others of the line are
 *   read. A whole number beyond 2^53 is refused so too, with its digits as they came.
 * - With `where`, lines that do not have these texts are good frames without readings: one receiver often hears many senders.
 * - A reading's time is when its line had arrived.
 *
 * Source: RFC 8259; JSON Lines (jsonlines.org).
 */
import type { Value } from '@millrace/contract'
import { ownValue, setOwn } from '@millrace/platform'
import { z } from 'zod'
import type { Decoder, DecoderPlugin, Frame, Sink } from '../decoder.ts'
import { channelOf, isNumber, measuredFaults, measuredShape } from '../measured.ts'
import { TextLines } from '../text-lines.ts'

const shape = z.strictObject({
  baudRate: z.int().positive().default(115_200).describe('Bits a second'),
  lineBytesMax: z.int().min(2).max(4096).default(4096).describe('A longer line is bad'),
  where: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .default({})
    .describe('Only lines that have these values at these paths are read'),
  channels: z
    .array(
      z.strictObject({
        ...measuredShape,
        path: z
          .string()
          .min(1)
          .optional()
          .describe('Where in the object: names joined by points; default: the name of the channel'),
      }),
    )
    .min(1)
    .max(256)
    .describe('What is read'),
})
type Config = z.infer<typeof shape>
type JsonChannel = Config['channels'][number]

const schema = shape.superRefine(({ channels }, context) => {
  for (const fault of measuredFaults(channels, 'channels')) context.addIssue({ code: 'custom', ...fault })
})

export const jsonLines: DecoderPlugin<Config> = {
  kind: 'json-lines',
  schema,
  link: ({ baudRate }) => ({ baudRate, dataBits: 8, parity: 'none', stopBits: 1 }),
  channels: ({ channels }) => channels.map(({ path: _, ...channel }) => channelOf(channel)),
  create: (config) => new JsonDecoder(config),
  createEncoder: (config) => (frame) => encode(config, frame),
}

const pathOf = ({ path, name }: JsonChannel) => (path === undefined ? [name] : path.split('.'))

class JsonDecoder implements Decoder {
  readonly #channels: { channel: JsonChannel; path: string[] }[]
  readonly #where: [string[], unknown][]
  readonly #lines: TextLines
  readonly #absent = new Set<string>()

  constructor({ channels, where, lineBytesMax }: Config) {
    this.#channels = channels.map((channel) => ({ channel, path: pathOf(channel) }))
    this.#where = Object.entries(where).map(([path, value]) => [path.split('.'), value])
    this.#lines = new TextLines(lineBytesMax, (line, atMs, sink) => this.#read(line, atMs, sink))
  }

  decode(bytes: Uint8Array, atMs: number, sink: Sink): void {
    this.#lines.decode(bytes, atMs, sink)
  }

  reset(): void {
    this.#lines.reset()
    this.#absent.clear()
  }

  #read(line: string, atMs: number, sink: Sink): string | undefined {
    const object = parse(line)
    if (typeof object === 'string') return object
    sink.frame()
    if (this.#where.some(([path, value]) => at(object, path) !== value)) return undefined
    for (const { channel, path } of this.#channels) {
      const found = at(object, path)
      if (found !== undefined) this.#give(channel, found, atMs, sink)
    }
    return undefined
  }

  #give(channel: JsonChannel, found: unknown, atMs: number, sink: Sink): void {
    const { name } = channel
    if (found === null) {
      if (!this.#absent.has(name)) sink.absent(name, atMs, 'no-value')
      this.#absent.add(name)
      return
    }
    this.#absent.delete(name)
    sink.reading(name, atMs, rawOf(found, channel))
  }
}

/** The object, or what is wrong. Digits of whole numbers that a number cannot hold are kept as text. */
function parse(line: string): object | string {
  try {
    const value: unknown = JSON.parse(line, (_key, inner, context?: { source?: string }) =>
      typeof inner === 'number' && Number.isInteger(inner) && !Number.isSafeInteger(inner)
        ? (context?.source ?? `${inner}`)
        : inner,
    )
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : 'not-an-object'
  } catch {
    return 'not-json'
  }
}

function at(object: object, path: string[]): unknown {
  let found: unknown = object
  for (const name of path) {
    if (typeof found !== 'object' || found === null) return undefined
    found = ownValue(found as Record<string, unknown>, name)
  }
  return found
}

function rawOf(found: unknown, { kind, decimals }: JsonChannel): Value {
  if (typeof found === 'object') return JSON.stringify(found)
  const value = found as Value
  if (typeof value === 'number' && isNumber(kind) && decimals !== undefined) return Math.round(value * 10 ** decimals)
  if (kind === 'boolean' && (value === 0 || value === 1)) return value === 1
  return value
}

function encode({ channels, where }: Config, { values }: Frame): Uint8Array {
  const object: Record<string, unknown> = {}
  for (const [path, value] of Object.entries(where)) put(object, path.split('.'), value)
  for (const channel of channels) {
    const value = ownValue(values, channel.name)
    if (value === undefined) continue
    const isScaled = typeof value === 'number' && channel.decimals !== undefined
    put(object, pathOf(channel), isScaled ? value / 10 ** channel.decimals! : value)
  }
  return Buffer.from(`${JSON.stringify(object)}\n`)
}

function put(object: Record<string, unknown>, [name, ...rest]: string[], value: unknown): void {
  if (rest.length === 0) return setOwn(object, name!, value)
  const inner = (ownValue(object, name!) ?? {}) as Record<string, unknown>
  setOwn(object, name!, inner)
  put(inner, rest, value)
}
