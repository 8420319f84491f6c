/**
 * Names of what panels ask for. A measurement, field or label of the store that its schema does not have, or a field that
 * documents of a kind do not have, is an error of the compiler. Metrics of the processes are held against the places where
 * the code registers them by a test (grafana.test.ts).
 */

import type { Kind, kinds } from '@millrace/cloud-processor/sinks/opensearch-schema'
import { type Measurement, revisionTag } from '@millrace/cloud-processor/stores/influxdb-schema'

type FieldsWhere<M extends Measurement, Text extends boolean> = {
  [F in keyof M['fields']]: (M['fields'][F] extends 'text' ? true : false) extends Text ? F : never
}[keyof M['fields']] &
  string

/** Fields that are series in VictoriaMetrics. */
export type NumberField<M extends Measurement> = FieldsWhere<M, false>
/** Tags, and texts, which VictoriaMetrics holds as labels. */
export type Label<M extends Measurement> = M['tags'][number] | FieldsWhere<M, true>

/** Conditions by label: an operator and a quoted value, made by `is`, `like` and `isNot`. */
export type Where<M extends Measurement> = Partial<Record<Label<M> | typeof revisionTag, string>>

export const is = (text: string): string => `=${JSON.stringify(text)}`
const isNot = (text: string): string => `!=${JSON.stringify(text)}`
/** Grafana makes an alternation of a variable with several values. */
export const like = (pattern: string): string => `=~${JSON.stringify(pattern)}`

/** Series of the store, as VictoriaMetrics names them. */
export function stored<M extends Measurement>(measurement: M, field: NumberField<M>, where: Where<M> = {}): string {
  return `${measurement.name}_${field}${spelled(where)}`
}

/** A metric that processes expose about themselves. */
export function told(metric: `millrace_${string}` | `process_${string}`, where: Record<string, string> = {}): string {
  return `${metric}${spelled(where)}`
}

/** Of a counter: a second, summed over every label that `by` does not name. */
export function rate(metric: `millrace_${string}`, by: string[] = [], where: Record<string, string> = {}): string {
  return `${by.length > 0 ? `sum by (${by.join(', ')}) ` : 'sum'}(rate(${told(metric, where)}[$__rate_interval]))`
}

function spelled(where: Record<string, string | undefined>): string {
  const conditions = Object.entries(where).map(([label, condition]) => `${label}${condition}`)
  return conditions.length === 0 ? '' : `{${conditions.join(',')}}`
}

/**
 * VictoriaMetrics cannot replace a point: one that was written again is beside the first under a revision, and the revision counts.
 * @param over of the series for one step, such as `(series) => `avg_over_time(${series}[$__interval])``
 */
export function inForce<M extends Measurement>(
  measurement: M,
  field: NumberField<M>,
  where: Where<M>,
  over: (series: string) => string,
): string {
  const revised = (condition: string) =>
    `max without (${revisionTag}) (${over(stored(measurement, field, { ...where, [revisionTag]: condition }))})`
  return `${revised(isNot(''))} or ${revised(is(''))}`
}

export type FieldOf<K extends Kind> = keyof (typeof kinds)[K]['fields'] & string
