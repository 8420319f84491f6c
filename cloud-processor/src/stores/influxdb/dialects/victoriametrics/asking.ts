/**
 * Questions to VictoriaMetrics. Which series a selector means is cached, and looked up again within ten seconds, or at once when a
 * flush that was asked for had series to put in: what the flush in the background has put in just before stays unseen. So every
 * selector has a matcher that changes with `settle` and excludes nothing.
 */
import { randomBytes } from 'node:crypto'
import type { Engine } from '../../engine.ts'
import type { Measurement } from '../../schema.ts'

export interface Series {
  metric: Record<string, string>
  values: (number | null)[]
  timestamps: number[]
}

export type Labels = Record<string, string>

export interface Asking {
  selector(measurement: Measurement, fields: string[], where: Labels): string
  /** The value of an expression for each series at a time; absent: now. */
  now(query: string, atMs?: number): Promise<{ metric: Labels; value: [seconds: number, value: string] }[]>
  /** Its values at every step of a time, where it has any. */
  range(query: string, time: { fromMs: number; toMs: number; stepMs: number }): Promise<Matrix>
  /** Names of the series that a selector means. */
  series(selector: string): Promise<Labels[]>
  /** Every sample of a time. */
  samples(selector: string, fromMs: number, toMs: number): Promise<Series[]>
  settle(): Promise<void>
}

export type Matrix = { metric: Labels; values: [seconds: number, value: string][] }[]

const form = { 'content-type': 'application/x-www-form-urlencoded' }
const secondsOf = (ms: number) => `${ms / 1000}`

export function createAsking(engine: Engine): Asking {
  const asker = randomBytes(4).toString('hex')
  let settled = 0
  const post = (path: string, values: Labels) => engine.request('POST', path, `${new URLSearchParams(values)}`, form)
  const query = async (path: string, values: Labels) => JSON.parse(await post(path, { ...values, nocache: '1' })).data.result
  return {
    selector: (measurement, fields, where) => selectorOf(measurement, fields, where, `${asker}${settled}`),
    now: (text, atMs) => query('/api/v1/query', { query: text, ...(atMs === undefined ? {} : { time: secondsOf(atMs) }) }),
    range: (text, { fromMs, toMs, stepMs }) =>
      query('/api/v1/query_range', { query: text, start: secondsOf(fromMs), end: secondsOf(toMs), step: `${stepMs}ms` }),
    series: async (selector) => JSON.parse(await post('/api/v1/series', { 'match[]': selector, start: '1' })).data,
    async samples(selector, fromMs, toMs) {
      const values = { 'match[]': selector, start: secondsOf(fromMs), end: secondsOf(toMs) }
      const lines = (await post('/api/v1/export', values)).split('\n')
      return lines.filter((line) => line !== '').map((line) => JSON.parse(line))
    },
    async settle() {
      await engine.request('GET', '/internal/force_flush')
      settled++
    },
  }
}

const metricOf = (measurement: Measurement, field: string) => `${measurement.name}_${field}`

function selectorOf(measurement: Measurement, fields: string[], where: Labels, unique: string): string {
  const names = fields.map((field) => metricOf(measurement, field)).join('|')
  const labels = Object.entries(where).map(([label, value]) => `,${label}=${JSON.stringify(value)}`)
  return `{__name__=~"${names}"${labels.join('')},asked_by!="${unique}"}`
}
