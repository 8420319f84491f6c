/** What was asked of a backtest: one pass over the log for all of it, and the answer for programs and for people. */
import type { RuleFile } from '@millrace/alarms'
import type { Api } from '../api.ts'
import { checkRules } from '../rules/check.ts'
import { backtest } from './backtest.ts'
import { compareRuns, printComparison } from './compare.ts'
import { figuresOf } from './figures.ts'
import { readLabels } from './label-file.ts'
import { judge, printVerdict } from './labels.ts'
import { printFigures } from './print.ts'
import { Run } from './run.ts'
import { stretchOf } from './times.ts'

export interface Asked {
  from?: string | undefined
  to?: string | undefined
  /** Another rule file. */
  compare?: string | undefined
  /** A file of labels. */
  labels?: string | undefined
}

export interface Answer {
  value: object
  text: string
}

export async function answer(api: Api, path: string, asked: Asked): Promise<Answer> {
  const run = new Run(rulesIn(path))
  const other = asked.compare === undefined ? undefined : new Run(rulesIn(asked.compare))
  const names = [run, ...(other ? [other] : [])].flatMap(({ file }) => file.rules.map(({ name }) => name))
  const labels = asked.labels === undefined ? undefined : readLabels(asked.labels, [...new Set(names)])
  const counted = await backtest(api, other ? [run, other] : [run], stretchOf(asked))
  const { devices: _, ...stretch } = counted
  const figures = figuresOf(run, counted)
  const parts: Answer[] = [{ value: { ...stretch, ...figures }, text: printFigures(counted, figures) }]
  if (labels) {
    const verdict = judge(run, labels, counted)
    parts.push({ value: { labels: verdict }, text: printVerdict(asked.labels!, verdict) })
  }
  if (other) {
    const figures = figuresOf(other, counted)
    const differences = compareRuns(run, other)
    const text = printComparison([path, asked.compare!], differences, figures.load)
    parts.push({ value: { other: figures, differences }, text })
  }
  return { value: Object.assign({}, ...parts.map(({ value }) => value)), text: parts.map(({ text }) => text).join('\n\n') }
}

/** @throws Error with every fault of the file. */
function rulesIn(path: string): RuleFile {
  const { rules, faults } = checkRules(path)
  if (!rules) throw new Error(faults.join('\n'))
  if (rules.rules.length === 0) throw new Error(`${path} has no rules. Write them under rules, as docs/rules.md shows.`)
  return rules
}
