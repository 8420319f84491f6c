/**
 * InfluxDB line protocol, version 2, one point a line, UTF-8:
 *
 *     measurement[,tag=value...] field=value[,field=value...] [timestamp]
 *
 *   measurement   `\,` and `\ ` are escapes; tag keys, tag values, field keys: also `\=`. Any other backslash is itself
 *   field value   12.5 -1e3 12 float · 12i integer · 12u unsigned · "text" (`\"` and `\\` are escapes) · t T true True TRUE f F ...
 *   timestamp     a whole number in the configured `precision` (ns), rounded down to ms; absent: time of arrival
 *
 * Empty lines and those that begin with `#` are passed over. A line feed ends a line, in a text too: so a quote that is missing
 * harms one line. A channel's `path` is `measurement.field`. Labels for the device: `measurement` and `tag.<key>`.
 *
 * Source: docs.influxdata.com, "Line protocol" of InfluxDB 2.
 */
import type { Value } from '@millrace/contract'
import type { z } from 'zod'
import { epochMs, precision } from '../../times/payload-time.ts'
import {
  addOpen,
  addReading,
  createDevices,
  type DecodedDevice,
  fit,
  labelsIn,
  misfit,
  nothingFound,
  type PayloadChannel,
  type PayloadCodec,
  type PayloadConfig,
  type ReadingPlace,
  startDecoded,
} from '../codec.ts'
import { narrowed } from '../exact.ts'
import { meaningOf } from '../words.ts'

const keys = { precision }
type LineConfig = PayloadConfig & z.infer<z.ZodObject<typeof keys>>

export const influxLine: PayloadCodec<LineConfig> = {
  name: 'influx-line',
  path: '`measurement.field`',
  labels: { pattern: /^(?:measurement|tag\..+)$/, description: '`{measurement}`, `{tag.<key>}`' },
  keys,
  timeUnit: ({ precision = 'ns' }) => precision,
  decode,
}

function decode(payload: Uint8Array, config: LineConfig, receivedMs: number) {
  const decoded = startDecoded()
  const deviceOf = createDevices(decoded, labelsIn(config.device))
  const channels = new Map(config.channels.map((channel) => [channel.path, channel]))
  let isAnyFound = true
  let isAnyPoint = false
  for (const [place, bytes] of linesOf(payload).entries()) {
    try {
      const line = new TextDecoder('utf-8', { fatal: true }).decode(bytes).trim()
      if (line === '' || line.startsWith('#')) continue
      const point = parsePoint(line)
      const t = point.timestamp === undefined ? receivedMs : epochMs(point.timestamp, config.precision ?? 'ns')!
      if (point.timestamp === undefined) decoded.isTimed = false
      if (!isAnyPoint) isAnyFound = false
      isAnyPoint = true
      if (takeFields(point, { place, t }, deviceOf(point.labels), { channels, config })) isAnyFound = true
    } catch (error) {
      decoded.broken.push({ place, detail: `line ${place + 1}: ${(error as Error).message}` })
    }
  }
  return isAnyFound || decoded.broken.length > 0 ? decoded : nothingFound(config)
}

interface Taking {
  /** By path. */
  channels: Map<string, PayloadChannel>
  config: LineConfig
}

/** False when no channel has the path of any field. */
function takeFields(point: Point, where: ReadingPlace, device: DecodedDevice, { channels, config }: Taking): boolean {
  const isOpen = channels.size === 0
  let isAnyFound = isOpen
  for (const [key, value] of point.fields) {
    if (isOpen) addOpen(device, where, `${point.measurement}.${key}`, meaningOf(value, config))
    const channel = channels.get(`${point.measurement}.${key}`)
    if (!channel) continue
    isAnyFound = true
    const { name, kind, path } = channel
    const meant = meaningOf(value, config)
    if (meant === null) continue
    const detail = misfit(kind, meant, path)
    if (detail === undefined) addReading(device, where, name, fit(kind, meant)!)
    else device.problems.push({ channel: name, place: where.place, detail })
  }
  return isAnyFound
}

function linesOf(payload: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = []
  for (let from = 0; from <= payload.length; ) {
    const end = payload.indexOf(0x0a, from)
    const to = end < 0 ? payload.length : end
    lines.push(payload.subarray(from, to))
    from = to + 1
  }
  return lines
}

interface Point {
  measurement: string
  labels: Map<string, string>
  /** A bigint is an integer that no JSON number holds. */
  fields: Map<string, Value | bigint>
  /** Digits. */
  timestamp: string | undefined
}

/** @throws Error saying what is wrong and where, from column 1. */
function parsePoint(text: string): Point {
  const line = new Line(text)
  const measurement = line.name(', ', ', ')
  const labels = new Map([['measurement', measurement]])
  while (line.take(',')) {
    const tag = line.key()
    line.put(labels, `tag.${tag}`, line.name('=, ', '=, '))
  }
  line.expect(' ')
  line.skipSpaces()
  const fields: Point['fields'] = new Map()
  do {
    const field = line.key()
    line.put(fields, field, line.fieldValue())
  } while (line.take(','))
  if (!line.isAtEnd) line.expect(' ')
  line.skipSpaces()
  return { measurement, labels, fields, timestamp: line.timestamp() }
}

/** A line that is read from left to right. */
class Line {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length
  }

  /** Up to an unescaped stop. */
  name(stops: string, escapable: string): string {
    const line = this.#text
    let at = this.#at
    let name = ''
    for (; at < line.length && !stops.includes(line[at]!); at++) {
      if (line[at] === '\\' && at + 1 < line.length && escapable.includes(line[at + 1]!)) at++
      name += line[at]
    }
    this.#at = at
    return name === '' ? this.#fail('something is missing') : name
  }

  /** A name and its `=`. */
  key(): string {
    const name = this.name('=, ', '=, ')
    this.expect('=')
    return name
  }

  put<V>(into: Map<string, V>, name: string, value: V): void {
    if (into.has(name)) this.#fail(`"${name.slice(0, 40)}" twice`)
    into.set(name, value)
  }

  fieldValue(): Value | bigint {
    const line = this.#text
    if (line[this.#at] === '"') return this.#quoted()
    const from = this.#at
    while (this.#at < line.length && line[this.#at] !== ',' && line[this.#at] !== ' ') this.#at++
    const scalar = line.slice(from, this.#at)
    return parseScalar(scalar) ?? this.#fail(`"${scalar.slice(0, 40)}" is not a value, which ends`)
  }

  /** What is left of the line. */
  timestamp(): string | undefined {
    const rest = this.#text.slice(this.#at)
    if (rest !== '' && !/^-?\d{1,19}$/.test(rest)) this.#fail('a timestamp is a whole number')
    return rest === '' ? undefined : rest
  }

  take(mark: string): boolean {
    const isThere = this.#text[this.#at] === mark
    if (isThere) this.#at++
    return isThere
  }

  expect(mark: string): void {
    if (!this.take(mark)) this.#fail(`"${mark}" is missing`)
  }

  skipSpaces(): void {
    while (this.#text[this.#at] === ' ') this.#at++
  }

  #quoted(): string {
    const line = this.#text
    let text = ''
    for (this.#at++; line[this.#at] !== '"'; this.#at++) {
      if (this.isAtEnd) this.#fail('a text has no end')
      if (line[this.#at] === '\\' && (line[this.#at + 1] === '"' || line[this.#at + 1] === '\\')) this.#at++
      text += line[this.#at]
    }
    this.#at++
    return text
  }

  #fail(what: string): never {
    throw new Error(`${what} at column ${this.#at + 1}`)
  }
}

const booleans = new Map([
  ...['t', 'T', 'true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['f', 'F', 'false', 'False', 'FALSE'].map((word) => [word, false] as const),
])

function parseScalar(text: string): Value | bigint | undefined {
  if (booleans.has(text)) return booleans.get(text)
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return Number(text)
  if (!/^(?:[+-]?\d{1,20}i|\d{1,20}u)$/.test(text)) return undefined
  return narrowed(BigInt(text.slice(0, -1).replace('+', '')))
}
