/**
 * One rule with two of its keys varied: how many alarms each pair of values would have raised.
 *
 *     spo2-low:limit=84..90:1,delayOnMs=10000..60000:10000        rule:key=from..to:step,key=from..to:step
 *
 * `limit` is `set` with `clear` moved along; every other key is the rule's own. Entries of `overrides` stay as they are.
 */
import { type RuleFile, ruleFileSchema } from '@millrace/alarms'
import { Run } from './run.ts'

export interface Axis {
  key: string
  values: number[]
}

export interface Grid {
  rule: string
  rows: Axis
  columns: Axis
}

export interface CountedGrid extends Grid {
  /** Alarms that people are told of: a list for each row. */
  counts: number[][]
}

const form = 'rule:limit=84..90:1,delayOnMs=10000..60000:10000'
const cellsMax = 500

/** @throws Error that names what is wrong. */
export function parseGrid(text: string, { rules }: RuleFile): Grid {
  const [, rule, rest] = /^([^:=,]+):(.+)$/.exec(text) ?? refuse(text, `is not of the form ${form}`)
  if (!rules.some(({ name }) => name === rule))
    refuse(text, `names no rule of the file. It has ${rules.map(({ name }) => name).join(', ')}`)
  const axes = rest!.split(',').map((axis) => parseAxis(text, axis))
  const [rows, columns] = axes
  if (!rows || !columns || axes.length > 2) return refuse(text, `has ${axes.length} keys. Name two, as in ${form}`)
  if (rows.key === columns.key) refuse(text, `varies ${rows.key} twice. Name two keys`)
  const cells = rows.values.length * columns.values.length
  if (cells > cellsMax) refuse(text, `has ${cells} cells, more than ${cellsMax}. Make a step larger`)
  return { rule: rule!, rows, columns }
}

function parseAxis(text: string, axis: string): Axis {
  const number = String.raw`(-?\d+(?:\.\d+)?)`
  const found = new RegExp(`^(\\w+)=${number}\\.\\.${number}:${number}$`).exec(axis)
  if (!found) return refuse(text, `has "${axis}", which is not key=from..to:step. Write such as ${form}`)
  const key = found[1]!
  const [from, to, step] = found.slice(2).map(Number) as [number, number, number]
  if (from > to) refuse(text, `has ${key} from ${from} to ${to}. Name the smaller one first`)
  if (step <= 0) refuse(text, `has a step of ${step}. Make it more than 0`)
  const steps = Math.floor((to - from) / step + 1e-9)
  if (steps >= cellsMax) refuse(text, `has more than ${cellsMax} values of ${key}. Make the step larger`)
  return { key, values: Array.from({ length: steps + 1 }, (_, k) => Number((from + k * step).toPrecision(12))) }
}

function refuse(text: string, why: string): never {
  throw new Error(`--grid ${text} ${why}.`)
}

/** A run for each cell, row after row. */
export function runsOf(grid: Grid, file: RuleFile): Run[] {
  const { rows, columns } = grid
  return rows.values.flatMap((row) =>
    columns.values.map((column) => new Run(fileWith(grid, file, { [rows.key]: row, [columns.key]: column }))),
  )
}

/** The rule with these values, and the scores: it may be about what one of them makes. */
function fileWith({ rule: name }: Grid, file: RuleFile, values: Record<string, number>): RuleFile {
  const kept = file.rules.filter((rule) => rule.name === name || rule.condition === 'score')
  const rules = kept.map((rule) => (rule.name === name ? { ...rule, ...keysOf(rule, values) } : rule))
  const parsed = ruleFileSchema.safeParse({ ...file, rules })
  if (parsed.success) return parsed.data
  const given = Object.entries(values).map(([key, value]) => `${key}=${value}`)
  const message = parsed.error.issues[0]!.message
  throw new Error(`--grid ${name}:${given.join(',')} makes a rule that is not valid: ${message}. Name other keys or values.`)
}

type Leveled = RuleFile['rules'][number] & { set?: number; clear?: number | undefined }

function keysOf({ name, set, clear }: Leveled, { limit, ...others }: Record<string, number>): object {
  if (limit === undefined) return others
  if (set === undefined) throw new Error(`--grid: ${name} has no set that limit could be. Name a key that it has.`)
  const moved = clear === undefined ? {} : { clear: Number((clear + limit - set).toPrecision(12)) }
  return { ...others, set: limit, ...moved }
}

/** After the runs were over the log. */
export function countGrid(grid: Grid, runs: Run[]): CountedGrid {
  const count = ({ episodes }: Run) => episodes.all().filter(({ rule, kind }) => kind === 'told' && rule === grid.rule).length
  const width = grid.columns.values.length
  return { ...grid, counts: grid.rows.values.map((_, row) => runs.slice(row * width, (row + 1) * width).map(count)) }
}

export interface Suggestion {
  values: Record<string, number>
  alarms: number
}

const suggestionsMax = 3

/** The cells that come nearest to a wanted number of alarms without being above it, of several with as many the shortest delays. */
export function suggest({ rows, columns, counts }: CountedGrid, alarmsMax: number): Suggestion[] {
  const cells = rows.values.flatMap((row, r) =>
    columns.values.map((column, c) => ({ values: { [rows.key]: row, [columns.key]: column }, alarms: counts[r]![c]! })),
  )
  const delay = ({ values }: Suggestion) =>
    Object.entries(values).reduce((sum, [key, value]) => sum + (key.endsWith('Ms') ? value : 0), 0)
  return cells
    .filter(({ alarms }) => alarms <= alarmsMax)
    .sort((a, b) => b.alarms - a.alarms || delay(a) - delay(b))
    .slice(0, suggestionsMax)
}
