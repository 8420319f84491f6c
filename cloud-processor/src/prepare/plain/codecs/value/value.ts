/**
 * One topic a sensor: the payload is one value, `29.7`, `ON`, `"29.7"`, `true`. A number in quotes is a number. The channel comes from
 * the topic, by `channel` of the entry. JSON with the value in it is read where `at` says where.
 */
import { z } from 'zod'
import {
  addOpen,
  addReading,
  createDevices,
  fit,
  misfitText,
  type PayloadCodec,
  type PayloadConfig,
  startDecoded,
} from '../codec.ts'
import { parseExactly } from '../exact.ts'
import { at } from '../paths.ts'
import { meaningOf, numberIn } from '../words.ts'

const keys = { at: z.string().optional().describe('where the value is when the payload is an object, such as `state`') }
type ValueConfig = PayloadConfig & z.infer<z.ZodObject<typeof keys>>

export const value: PayloadCodec<ValueConfig> = { name: 'value', isOneValue: true, path: '`$`, the payload itself', keys, decode }

function decode(payload: Uint8Array, config: ValueConfig, receivedMs: number) {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(payload).trim()
  if (text === '') throw new Error('the payload is empty')
  const decoded = startDecoded()
  decoded.isTimed = false
  const device = createDevices(decoded, [])(new Map())
  const raw = rawOf(text, config)
  const found = typeof raw === 'string' ? meaningOf(raw, { ...config, quotedNumbers: true }) : raw
  const where = { place: 0, t: receivedMs }
  if (config.channels.length === 0) addOpen(device, where, config.channelName ?? 'value', found)
  for (const { name, kind, path } of config.channels) {
    const fitted = kind === 'text' && typeof found !== 'string' ? `${raw}` : fit(kind, found)
    if (fitted !== undefined) addReading(device, where, name, fitted)
    else if (found !== null) device.problems.push({ channel: name, place: 0, detail: misfitText(kind, found, path) })
  }
  return decoded
}

/** @throws Error when it is a list or an object without a value in it. */
function rawOf(text: string, config: ValueConfig): unknown {
  const parsed = parsedOf(text)
  if (parsed === null || typeof parsed !== 'object') return parsed
  const inside = config.at === undefined ? undefined : at(parsed, config.at)
  if (inside === undefined || (inside !== null && typeof inside === 'object'))
    throw new Error(`the payload is not one value${config.at === undefined ? ': set at, or codec: json' : ` at "${config.at}"`}`)
  return inside
}

function parsedOf(text: string): unknown {
  const number = numberIn(text)
  if (number !== undefined) return number
  if (!/^(?:["{[]|true$|false$|null$)/.test(text)) return text
  try {
    return parseExactly(text)
  } catch {
    return text
  }
}
