/**
 * JSON payloads: one object, or an array of objects, each one measurement. Values and the time are taken by dotted paths.
 * Numbers in JSON are always finite; a channel that is absent from an object, or null, is no reading and no error.
 */
import type { Columns, Value } from '@millrace/contract'
import type { PlainConfig } from '../../config.ts'
import type { PayloadCodec } from '../codec.ts'

export const json: PayloadCodec = (payload, config, receivedMs) => {
  const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
  const columns: Columns = { channels: {}, waves: {} }
  const problems: { channel: string; detail: string }[] = []
  for (const object of Array.isArray(parsed) ? parsed : [parsed]) {
    const t = timeOf(object, config, receivedMs)
    for (const { name, path, kind } of config.channels) {
      const value = at(object, path)
      if (value === undefined || value === null) continue
      if (t === undefined) problems.push({ channel: name, detail: `time at "${config.time}" is not epoch ms or ISO 8601` })
      else if (!isOf(kind, value))
        problems.push({ channel: name, detail: `${JSON.stringify(value)?.slice(0, 40)} at "${path}" is no ${kind}` })
      else append(columns, name, t, value)
    }
  }
  return { columns, problems }
}

function append(columns: Columns, name: string, t: number, value: Value): void {
  columns.channels[name] ??= { t: [], v: [] }
  const column = columns.channels[name]
  column.t.push(t)
  column.v.push(value)
}

function timeOf(object: unknown, { time }: PlainConfig, receivedMs: number): number | undefined {
  if (time === undefined) return receivedMs
  const value = at(object, time)
  const ms = typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isFinite(ms) ? Math.round(ms) : undefined
}

function isOf(kind: PlainConfig['channels'][number]['kind'], value: unknown): value is Value {
  return typeof value === { number: 'number', text: 'string', boolean: 'boolean' }[kind]
}

function at(object: unknown, path: string): unknown {
  let value = object
  for (const key of path.split('.')) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}
