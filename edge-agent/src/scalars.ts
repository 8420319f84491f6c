/** The channels of a device that have single readings, each with its filter. */
import type { Channel, Column, Quality, Value } from '@millrace/contract'
import { MillraceError, ownValue } from '@millrace/platform'
import { createFilter, type Filter, type FilterConfig } from './filters/index.ts'
import { faultOf } from './values.ts'

interface Held {
  t: number
  v: number
  quality: Quality
}

export interface Scalar {
  name: string
  fault(value: Value): string | undefined
  filter: Filter | undefined
  lastMs: number
  quality: Quality
  /** The next reading ends an absence, or is the first: it passes the filter. */
  fresh: boolean
  held: Held | undefined
  column: Column | undefined
}

type Filters = Record<string, FilterConfig>

/** @throws MillraceError CONFIG_INVALID for a filter of no channel, or of one without numbers. */
export function createScalars(device: string, channels: Channel[], filters: Filters, textBytesMax: number): Map<string, Scalar> {
  const scalars = new Map<string, Scalar>()
  for (const channel of channels)
    if (channel.kind !== 'waveform')
      scalars.set(channel.name, newScalar(channel, faultOf(channel, textBytesMax), filterOf(device, channel, filters)))
  checkFilters(device, scalars, filters)
  return scalars
}

function newScalar({ name }: Channel, fault: Scalar['fault'], filter: Filter | undefined): Scalar {
  const never = Number.NEGATIVE_INFINITY
  return { name, fault, filter, lastMs: never, quality: 'good', fresh: true, held: undefined, column: undefined }
}

function filterOf(device: string, channel: Channel, filters: Filters): Filter | undefined {
  const config = ownValue(filters, channel.name)
  if (!config) return undefined
  if (channel.kind === 'number') return createFilter(config, channel)
  throw wrongFilter(device, channel.name, `is of kind ${channel.kind}; filters are for numbers`)
}

function checkFilters(device: string, scalars: Map<string, Scalar>, filters: Filters): void {
  for (const name of Object.keys(filters))
    if (!scalars.has(name))
      throw wrongFilter(device, name, `is not a channel; the channels are ${[...scalars.keys()].join(', ')}`)
}

function wrongFilter(device: string, channel: string, why: string): MillraceError {
  return new MillraceError('CONFIG_INVALID', { path: `devices.${device}.filters`, detail: `${channel} ${why}` })
}
