/** What was asked of a backtest: one pass over the log for all of it, and the answer for programs and for people. */
import { writeFileSync } from 'node:fs'
import type { RuleFile } from '@millrace/alarms'
import type { Api } from '../api.ts'
import { checkRules } from '../rules/check.ts'
import { backtest, type Counted, type Over } from './backtest.ts'
import { compareRuns, printComparison } from './compare.ts'
import { figuresOf } from './figures.ts'
import { type CountedGrid, countGrid, type Grid, parseGrid, runsOf, suggest } from './grid.ts'
import { csvOf, printGrid, printSuggestions, svgOf } from './grid-print.ts'
import { readLabels } from './label-file.ts'
import { judge, printVerdict, type Verdict } from './labels.ts'
import { differencesToLive, LateTimes, printDifferences } from './live.ts'
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
  /** `log`, or `store`. */
  over?: string | undefined
  /** Alarms a day that are wanted of the rule of a grid. */
  wanted?: string | undefined
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
  const over = overOf(asked)
  const wanted = wantedOf(asked)
  const counted = await backtest(api, [run, ...(other ? [other] : []), ...cells], stretchOf(asked), over)
  const parts = [
    answerFigures(run, counted),
    labels && answerLabels(asked.labels!, judge(run, labels, counted)),
    other && answerComparison([path, asked.compare!], [run, other], counted),
    grid && answerGrid(countGrid(grid, cells), { ...asked, wanted }, counted),
    over === 'store' ? await answerLive(api, run, counted) : undefined,
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

function overOf({ over = 'log' }: Asked): Over {
  if (over === 'log' || over === 'store') return over
  throw new Error(`--over ${over} is neither log nor store. Write --over store for the order of event time.`)
}

function wantedOf({ wanted, grid }: Asked): number | undefined {
  if (wanted === undefined) return undefined
  if (grid === undefined) throw new Error('--wanted chooses among the limits of a grid. Give --grid as well.')
  const perDay = Number(wanted)
  if (!(perDay >= 0 && perDay < Infinity))
    throw new Error(`--wanted ${wanted} is not a number of alarms a day, such as 2 or 0.5.`)
  return perDay
}

/** The same rules over the log, where it has the time. */
async function answerLive(api: Api, run: Run, { fromMs, toMs }: Counted): Promise<Answer> {
  const live = new Run(run.file)
  const late = new LateTimes(run.file)
  const counted = await backtest(api, [live, late], { fromMs, toMs }).catch((error: Error) => error.message)
  if (typeof counted === 'string') return { value: { live: null }, text: `Not compared with live: ${counted}` }
  const differences = differencesToLive(run, live, late)
  return { value: { live: differences }, text: printDifferences(differences) }
}

function answerGrid(
  grid: CountedGrid,
  { csv, svg, wanted }: Omit<Asked, 'wanted'> & { wanted: number | undefined },
  { fromMs, toMs }: Counted,
): Answer {
  const days = (toMs - fromMs) / 86_400_000
  if (csv !== undefined) write(csv, csvOf(grid))
  if (svg !== undefined) write(svg, svgOf(grid, days))
  if (wanted === undefined) return { value: { grid }, text: printGrid(grid) }
  const suggested = suggest(grid, wanted * days)
  return { value: { grid, suggested }, text: `${printGrid(grid)}\n\n${printSuggestions(suggested, wanted, days)}` }
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
