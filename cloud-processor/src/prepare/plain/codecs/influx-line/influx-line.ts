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
import { type Point, parsePoint } from '../line-point.ts'
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
