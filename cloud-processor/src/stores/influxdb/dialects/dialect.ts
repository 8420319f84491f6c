/** What differs between the engines that take InfluxDB's write API: how they are asked, and what a write means to them. */
import type { RollUp } from '../../store.ts'
import type { Engine, HttpFailure } from '../engine.ts'
import type { Measurement } from '../schema.ts'

export interface Traits {
  /** Of the times in lines. */
  precision: 'us' | 'ms'
  /** Times closer than this, ms, cannot be told apart. */
  resolutionMs: number
  /** Text as a field, or as a label of a series, which readings cannot be. */
  text: 'field' | 'label'
  /** A point written again takes the place of the first; else it is written beside it, with a revision. */
  replaces: boolean
  /** Readings further ahead of the newest tick are dropped by the engine without a word; they are refused instead. */
  futureMsMax: number
  /** How long an acknowledged write may be lost by a kill of the engine, with room to spare. */
  durableAfterMs: number
  /** How long an acknowledged write may be hidden from answers, whatever the engine is told, with room to spare. 0: it is seen at once, or after `settle`. */
  visibleAfterMs: number
}

/** Tags and fields of one point; an absent field is not there. */
export interface Row {
  /** Epoch microseconds. */
  us: number
  values: Record<string, string | number | boolean>
}

export interface RowQuery {
  measurement: Measurement
  /** Tags and their values. */
  where: Record<string, string>
  fromUs: number
  /** Included. */
  toUs: number
  /** Of so many times, the first, or all where there are fewer. An engine may answer with a few times as many, and does no more work than for these. */
  limit?: number
  /** So many of the newest instead, still in order of time. */
  newestFirst?: number
  /** Only rows of which this field is at least so much, or 0: the engine looks for them. It may add what a revision replaced. */
  atLeast?: { field: string; value: number }
}

/** Steps that start at fromMs + n * stepMs, over fromMs <= t < toMs; all whole milliseconds. */
export interface StepQuery {
  where: { device: string; channel: string }
  fromMs: number
  toMs: number
  stepMs: number
}

/** What engines say of points that they will never take. */
export const isRefusal = ({ status }: HttpFailure): boolean => status === 400 || status === 413 || status === 422

/** Of the engines that replace a point which is written again and show it when they have acknowledged it, or after `settle`. */
export const replacing: Traits = {
  precision: 'us',
  resolutionMs: 0.001,
  text: 'field',
  replaces: true,
  futureMsMax: Number.POSITIVE_INFINITY,
  durableAfterMs: 0,
  visibleAfterMs: 0,
}

export interface Dialect {
  readonly traits: Traits
  /** Where lines are posted to. */
  readonly writePath: string
  /** True: points of the request will never be taken, its neighbours may be. False: the engine may take all of it later. */
  isRefusal(failure: HttpFailure): boolean
  /** Makes sure that writing will be idempotent. @throws Error that says what is missing */
  prepare(): Promise<void>
  /** Another text after every start of an engine that loses acknowledged writes when killed. */
  run(): Promise<string>
  /** Resolves when all that was acknowledged can be seen by questions. */
  settle(): Promise<void>
  /** In order of time. */
  rows(query: RowQuery): Promise<Row[]>
  /**
   * Steps of a channel's physical numbers that hold any, by the engine itself: what it sends is as long as the answer. Undefined
   * where numbers alone do not say all: readings with a raw number beside them, rewritten ones, flags and texts.
   */
  steps(query: StepQuery): Promise<RollUp | undefined>
  /** The newest row of every set of tags. */
  newest(measurement: Measurement, where?: Record<string, string>): Promise<Row[]>
  /** Makes what the engine needs, as often as it is called; says what it did and what a person has to do. */
  setUp(): Promise<string[]>
}

export type DialectPlugin = (engine: Engine) => Dialect
