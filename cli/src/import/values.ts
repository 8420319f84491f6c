/** Values of a row, as their channel holds them. */
import { ownValue } from '@millrace/platform'
import type { ChannelConfig } from './job.ts'

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

/** As the channel holds it, or as it came where it cannot. */
export function readValue(raw: unknown, { kind }: ChannelConfig): unknown {
  if (kind === 'text') return typeof raw === 'string' ? raw : `${raw}`
  if (kind === 'boolean') return ownValue(booleans, `${raw}`.toLowerCase()) ?? raw
  if (typeof raw === 'bigint') return Number(raw)
  if (typeof raw !== 'string') return raw
  const text = raw.trim()
  return decimal.test(text) ? Number(text) : raw
}

const booleans: Record<string, boolean> = { true: true, false: false, '1': true, '0': false, yes: true, no: false }
const textBytesMax = 1024

/** Why a channel cannot hold it. */
export function faultOf(value: unknown, { kind, min, max }: ChannelConfig): string | undefined {
  if (kind === 'boolean') return typeof value === 'boolean' ? undefined : 'not-a-boolean'
  if (kind === 'text') return Buffer.byteLength(value as string) > textBytesMax ? 'too-long' : undefined
  if (typeof value !== 'number' || !Number.isFinite(value)) return 'not-a-number'
  if (min !== undefined && value < min) return 'below-min'
  return max !== undefined && value > max ? 'above-max' : undefined
}
