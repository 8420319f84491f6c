/**
 * JSON payloads: one object, or an array of objects, each one measurement. Values and the time are taken by dotted paths.
 * A channel that is absent from an object, or null, is no reading and no error; but a payload in which no channel is to be found
 * at all is refused: its readings must not vanish without a word.
 */
import { z } from 'zod'
import {
  addReading,
  createDevices,
  fit,
  misfit,
  nothingFound,
  type PayloadCodec,
  type PayloadConfig,
  startDecoded,
} from '../codec.ts'
import { parseExactly } from '../exact.ts'

const keys = { time: z.string().optional().describe('where the time is (epoch ms or ISO 8601); absent: time of arrival') }
type JsonConfig = PayloadConfig & z.infer<z.ZodObject<typeof keys>>

export const json: PayloadCodec<JsonConfig> = {
  name: 'json',
  path: '`vitals.hr`',
  keys,
  isTimed: ({ time }) => time !== undefined,
  decode,
}

function decode(payload: Uint8Array, config: JsonConfig, receivedMs: number) {
  const parsed = parseExactly(new TextDecoder('utf-8', { fatal: true }).decode(payload))
  const decoded = startDecoded()
  decoded.isTimed = config.time !== undefined
  const device = createDevices(decoded, [])(new Map())
  const objects = Array.isArray(parsed) ? parsed : [parsed]
  let isAnyFound = objects.length === 0
  for (const [place, object] of objects.entries()) {
    const where = { place, t: timeOf(object, config, receivedMs) }
    for (const { name, path, kind } of config.channels) {
      const value = at(object, path)
      if (value !== undefined) isAnyFound = true
      if (value === undefined || value === null) continue
      const isTimeless = Number.isNaN(where.t)
      const fitted = isTimeless ? undefined : fit(kind, value)
      if (fitted !== undefined) addReading(device, where, name, fitted)
      else {
        const detail = isTimeless ? `time at "${config.time}" is not epoch ms or ISO 8601` : misfit(kind, value, path)
        device.problems.push({ channel: name, place, detail })
      }
    }
  }
  return isAnyFound ? decoded : nothingFound(config)
}

/** NaN when there is none that can be read. */
function timeOf(object: unknown, { time }: JsonConfig, receivedMs: number): number {
  if (time === undefined) return receivedMs
  const value = at(object, time)
  const ms = typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isFinite(ms) ? Math.round(ms) : Number.NaN
}

function at(object: unknown, path: string): unknown {
  let value = object
  for (const key of path.split('.')) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}
