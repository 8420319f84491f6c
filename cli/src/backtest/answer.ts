/** What was asked of a backtest: one pass over the log for all of it, and the answer for programs and for people. */
import { writeFileSync } from 'node:fs'
import type { RuleFile } from '@millrace/alarms'
import type { Api } from '../api.ts'
import { checkRules } from '../rules/check.ts'
import { backtest, type Counted } from './backtest.ts'
import { compareRuns, printComparison } from './compare.ts'
import { figuresOf } from './figures.ts'
import { type CountedGrid, countGrid, type Grid, parseGrid, runsOf } from './grid.ts'
import { csvOf, printGrid, svgOf } from './grid-print.ts'
import { readLabels } from './label-file.ts'
import { judge, printVerdict, type Verdict } from './labels.ts'
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
  /** Two keys of a rule with their values. */
  grid?: string | undefined
  /** Files that the grid is written to. */
  csv?: string | undefined
  svg?: string | undefined
}

export interface Answer {
  value: object
  text: string
}

export async function answer(api: Api, path: string, asked: Asked): Promise<Answer> {
  const run = new Run(rulesIn(path))
  const other = asked.compare === undefined ? undefined : new Run(rulesIn(asked.compare))
  const names = run.file.rules.map(({ name }) => name)
  const labels = asked.labels === undefined ? undefined : readLabels(asked.labels, names)
  const grid = gridOf(asked, run)
  const cells = grid ? runsOf(grid, run.file) : []
  const counted = await backtest(api, [run, ...(other ? [other] : []), ...cells], stretchOf(asked))
  const parts = [
    answerFigures(run, counted),
    labels && answerLabels(asked.labels!, judge(run, labels, counted)),
    other && answerComparison([path, asked.compare!], [run, other], counted),
    grid && answerGrid(countGrid(grid, cells), asked, counted),
  ].filter((part) => part !== undefined)
  return { value: Object.assign({}, ...parts.map(({ value }) => value)), text: parts.map(({ text }) => text).join('\n\n') }
}

function gridOf({ grid, csv, svg }: Asked, { file }: Run): Grid | undefined {
  if (grid !== undefined) return parseGrid(grid, file)
  if (csv !== undefined || svg !== undefined) throw new Error('--csv and --svg are files of a grid. Give --grid as well.')
  return undefined
}

function answerFigures(run: Run, counted: Counted): Answer {
  const { devices: _, ...stretch } = counted
  const figures = figuresOf(run, counted)
  return { value: { ...stretch, ...figures }, text: printFigures(counted, figures) }
}

function answerLabels(path: string, verdict: Verdict): Answer {
  return { value: { labels: verdict }, text: printVerdict(path, verdict) }
}

function answerComparison(paths: [string, string], [first, second]: [Run, Run], counted: Counted): Answer {
  const other = figuresOf(second, counted)
  const differences = compareRuns(first, second)
  return { value: { other, differences }, text: printComparison(paths, differences, other.load) }
}

function answerGrid(grid: CountedGrid, { csv, svg }: Asked, { fromMs, toMs }: Counted): Answer {
  if (csv !== undefined) write(csv, csvOf(grid))
  if (svg !== undefined) write(svg, svgOf(grid, (toMs - fromMs) / 86_400_000))
  return { value: { grid }, text: printGrid(grid) }
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text)
  } catch (cause) {
    throw new Error(`Cannot write ${path} (${(cause as { code?: string }).code}). Name a file in a folder that is there.`, {
      cause,
    })
  }
}

/** @throws Error with every fault of the file. */
function rulesIn(path: string): RuleFile {
  const { rules, faults } = checkRules(path)
  if (!rules) throw new Error(faults.join('\n'))
  if (rules.rules.length === 0) throw new Error(`${path} has no rules. Write them under rules, as docs/rules.md shows.`)
  return rules
}
