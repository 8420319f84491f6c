/**
 * The metrics of a message of a foreign node, data or birth. No value vanishes: each is a reading or is rejected by its name, and a
 * null is an absence. Control metrics (`bdSeq`, `Node Control/...`) are not values.
 */
import type { Channel, Tally } from '@millrace/contract'
import { type DecodedBatch, decodeBatch, isControlMetric, type Metric } from '@millrace/contract/sparkplug'
import type { Part } from '../direct.ts'
import type { SparkplugMessage } from '../message.ts'
import { byAlias, describe, type MetricFault } from '../rejections/problems.ts'
import type { DeviceState } from '../state/state.ts'

export type MetricKey = number | string

export interface Metrics {
  part: Part
  historical: boolean
  /** Aliases and names that no birth declared. */
  unknown: MetricKey[]
}

/** `whyUnusable`: what is wrong with metrics that the message itself declares, by alias or name. @throws SparkplugError when nothing can be read. */
export function readMetrics(message: SparkplugMessage, device: DeviceState, whyUnusable = new Map<MetricKey, string>()): Metrics {
  const { columns, problems, extra, historical } = decodeBatch(message.payload, finderOf(device.channels))
  const absences = problems.flatMap(absenceOf)
  if (absences.length > 0) columns.absences = [...(columns.absences ?? []), ...absences]
  const faults = [...problems.filter((problem) => absenceOf(problem).length === 0), ...extra.map(undeclared)]
  const unknown: MetricKey[] = []
  const found = faults.flatMap((fault) => {
    const isUnknown = fault.reason === 'unknown-alias' || fault.reason === 'unknown-metric'
    const isControl = fault.name !== undefined && isControlMetric(fault.name)
    if (isControl) return isUnknown ? [] : describe({ ...fault, lost: [0, 0] })
    const key = fault.alias ?? fault.name ?? ''
    const why = isUnknown ? (message.bad?.get(fault.index ?? -1) ?? whyUnusable.get(key)) : undefined
    if (isUnknown && why === undefined) unknown.push(key)
    return describe(why === undefined ? fault : { ...fault, reason: why })
  })
  const part = { device: device.name, columns, found, identitiesOf: byAlias(device.channels) }
  return { part, historical, unknown }
}

/** By alias or name; some nodes use names though their births have aliases. */
function finderOf(channels: Map<MetricKey, Channel>): (key: MetricKey) => Channel | undefined {
  let byName: Map<string, Channel> | undefined
  return (key) => {
    const channel = channels.get(key)
    if (channel || typeof key === 'number') return channel
    byName ??= new Map([...channels.values()].map((one) => [one.name, one]))
    return byName.get(key)
  }
}

/** Metric that says it has no value. */
function absenceOf({ reason, name, t }: DecodedBatch['problems'][number]) {
  return reason === 'null' && name !== undefined && t !== undefined ? [{ channel: name, t, reason: 'no-value' as const }] : []
}

function undeclared({ name, timestamp, datatype, value }: Metric): MetricFault {
  const raw = typeof value === 'object' || value === undefined ? undefined : value
  return { reason: 'unknown-metric', name, t: timestamp, raw, lost: lostOf(datatype, value) }
}

/** As decode-batch counts: an array by its samples, any other value as one reading. */
function lostOf(datatype: Metric['datatype'], value: Metric['value']): Tally {
  if (value === null || value === undefined) return [0, 0]
  const isSamples = Array.isArray(value) && datatype !== 'BooleanArray' && datatype !== 'StringArray'
  return isSamples ? [0, value.length] : [1, 0]
}
