/**
 * InfluxDB line protocol, version 2, one point a line, UTF-8:
 *
 *     measurement[,tag=value...] field=value[,field=value...] [timestamp]
 *
 *   measurement   `\,` and `\ ` are escapes; tag keys, tag values, field keys: also `\=`. Any other backslash stands for itself
 *   field value   12.5 -1e3 float · 12i integer · 12u unsigned · "text" (`\"` and `\\` are escapes) · t T true True TRUE f F ...
 *   timestamp     a whole number in the configured `precision` (ns), rounded down to ms; absent: time of arrival
 *
 * Empty lines and those that begin with `#` are passed over. A line feed ends a line, in a text too: so a quote that is missing
 * harms one line. A channel's `path` is `measurement.field`. Labels for the device: `measurement` and `tag.<key>`.
 *
 * Source: docs.influxdata.com, "Line protocol" of InfluxDB 2.
 */
import type { Value } from '@millrace/contract'
import type { PlainConfig } from '../../config.ts'
import { addReading, createDevices, labelsIn, misfit, nothingFound, type PayloadCodec, startDecoded } from '../codec.ts'

export const influxLine: PayloadCodec = { decode, labels: /^(?:measurement|tag\..+)$/, keys: ['precision'] }

function decode(payload: Uint8Array, config: PlainConfig, receivedMs: number) {
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
      const t = point.timestamp === undefined ? receivedMs : toMs(point.timestamp, config.precision)
      if (point.timestamp === undefined) decoded.isTimed = false
      if (!isAnyPoint) isAnyFound = false
      isAnyPoint = true
      const device = deviceOf(point.labels)
      for (const [key, value] of point.fields) {
        const channel = channels.get(`${point.measurement}.${key}`)
        if (!channel) continue
        isAnyFound = true
        const detail =
          typeof value === 'bigint'
            ? `${value} at "${channel.path}" is beyond 2^53 - 1`
            : misfit(channel.kind, value, channel.path)
        if (detail === undefined) addReading(device, channel.name, place, t, value as Value)
        else device.problems.push({ channel: channel.name, place, detail })
      }
    } catch (error) {
      decoded.broken.push({ place, detail: `line ${place + 1}: ${(error as Error).message}` })
    }
  }
  return isAnyFound || decoded.broken.length > 0 ? decoded : nothingFound(config)
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

const unitsPerMs = { ns: 1_000_000n, us: 1000n, ms: 1n, s: 1n }

function toMs(timestamp: bigint, precision: keyof typeof unitsPerMs = 'ns'): number {
  if (precision === 's') return Number(timestamp) * 1000
  const per = unitsPerMs[precision]
  const ms = timestamp / per
  return Number(timestamp < 0n && ms * per !== timestamp ? ms - 1n : ms)
}

interface Point {
  measurement: string
  labels: Map<string, string>
  /** A bigint is an integer that no JSON number holds. */
  fields: Map<string, Value | bigint>
  timestamp: bigint | undefined
}

/** @throws Error saying what is wrong and where, from column 1. */
function parsePoint(line: string): Point {
  let at = 0
  const fail = (what: string): never => {
    throw new Error(`${what} at column ${at + 1}`)
  }
  /** Up to an unescaped stop. */
  const scan = (stops: string, escapable: string): string => {
    let text = ''
    for (; at < line.length && !stops.includes(line[at]!); at++) {
      if (line[at] === '\\' && at + 1 < line.length && escapable.includes(line[at + 1]!)) at++
      text += line[at]
    }
    return text === '' ? fail('something is missing') : text
  }
  const expect = (mark: string) => {
    if (line[at] !== mark) fail(`"${mark}" is missing`)
    at++
  }
  const key = () => {
    const text = scan('=, ', '=, ')
    expect('=')
    return text
  }
  const put = <V>(into: Map<string, V>, name: string, value: V) => {
    if (into.has(name)) fail(`"${name.slice(0, 40)}" twice`)
    into.set(name, value)
  }
  const fieldValue = (): Value | bigint => {
    if (line[at] === '"') return quoted()
    const from = at
    while (at < line.length && line[at] !== ',' && line[at] !== ' ') at++
    return parseScalar(line.slice(from, at)) ?? fail(`"${line.slice(from, at).slice(0, 40)}" is no value, which ends`)
  }
  const quoted = (): string => {
    let text = ''
    for (at++; line[at] !== '"'; at++) {
      if (at >= line.length) fail('a text has no end')
      if (line[at] === '\\' && (line[at + 1] === '"' || line[at + 1] === '\\')) at++
      text += line[at]
    }
    at++
    return text
  }
  const spaces = () => {
    while (line[at] === ' ') at++
  }

  const measurement = scan(', ', ', ')
  const labels = new Map([['measurement', measurement]])
  while (line[at] === ',') {
    at++
    const tag = key()
    put(labels, `tag.${tag}`, scan('=, ', '=, '))
  }
  expect(' ')
  spaces()
  const fields: Point['fields'] = new Map()
  do {
    const field = key()
    put(fields, field, fieldValue())
  } while (line[at] === ',' && ++at)
  if (at < line.length) expect(' ')
  spaces()
  const rest = line.slice(at)
  if (rest !== '' && !/^-?\d{1,19}$/.test(rest)) fail('a timestamp is a whole number')
  return { measurement, labels, fields, timestamp: rest === '' ? undefined : BigInt(rest) }
}

const booleans: Record<string, boolean> = {
  ...Object.fromEntries(['t', 'T', 'true', 'True', 'TRUE'].map((word) => [word, true])),
  ...Object.fromEntries(['f', 'F', 'false', 'False', 'FALSE'].map((word) => [word, false])),
}

function parseScalar(text: string): Value | bigint | undefined {
  if (Object.hasOwn(booleans, text)) return booleans[text]
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return Number(text)
  if (!/^(?:[+-]?\d{1,20}i|\d{1,20}u)$/.test(text)) return undefined
  const number = Number(text.slice(0, -1))
  return Number.isSafeInteger(number) ? number : BigInt(text.slice(0, -1).replace('+', ''))
}
