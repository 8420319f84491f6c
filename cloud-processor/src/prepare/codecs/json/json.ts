/**
 * JSON payloads: one object, or an array of objects, each one measurement. Values and the time are taken by dotted paths.
 * A channel that is absent from an object, or null, is no reading and no error; but a payload in which no channel is to be found
 * at all is refused: its readings must not vanish without a word.
 */
import type { Value } from '@millrace/contract'
import type { PlainConfig } from '../../config.ts'
import type { Decoded, PayloadCodec } from '../codec.ts'

export const json: PayloadCodec = (payload, config, receivedMs) => {
  const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
  const decoded: Decoded = { columns: { channels: {}, waves: {} }, places: new Map(), problems: [] }
  const objects = Array.isArray(parsed) ? parsed : [parsed]
  let isAnyFound = objects.length === 0
  for (const [place, object] of objects.entries()) {
    const t = timeOf(object, config, receivedMs)
    for (const { name, path, kind } of config.channels) {
      const value = at(object, path)
      if (value !== undefined) isAnyFound = true
      if (value === undefined || value === null) continue
      const detail = t === undefined ? `time at "${config.time}" is not epoch ms or ISO 8601` : mismatch(kind, value, path)
      if (detail !== undefined) decoded.problems.push({ channel: name, place, detail })
      else append(decoded, name, place, t!, value as Value)
    }
  }
  if (!isAnyFound) throw new Error(`there is nothing at ${config.channels.map(({ path }) => `"${path}"`).join(', ')}`)
  return decoded
}

function append({ columns, places }: Decoded, name: string, place: number, t: number, value: Value): void {
  columns.channels[name] ??= { t: [], v: [] }
  const column = columns.channels[name]
  column.t.push(t)
  column.v.push(value)
  const key = `${name}@${t}`
  places.set(key, [...(places.get(key) ?? []), place])
}

/** `1e999` is valid JSON and reads as infinity. */
function mismatch(kind: PlainConfig['channels'][number]['kind'], value: unknown, path: string): string | undefined {
  const type = { number: 'number', text: 'string', boolean: 'boolean' }[kind]
  const isGood = typeof value === type && (kind !== 'number' || Number.isFinite(value))
  return isGood ? undefined : `${shown(value)} at "${path}" is no ${kind}`
}

function shown(value: unknown): string {
  return typeof value === 'number' ? `${value}` : (JSON.stringify(value)?.slice(0, 40) ?? 'a value')
}

function timeOf(object: unknown, { time }: PlainConfig, receivedMs: number): number | undefined {
  if (time === undefined) return receivedMs
  const value = at(object, time)
  const ms = typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isFinite(ms) ? Math.round(ms) : undefined
}

function at(object: unknown, path: string): unknown {
  let value = object
  for (const key of path.split('.')) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}
