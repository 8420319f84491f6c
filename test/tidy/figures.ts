/**
 * `node test/tidy/figures.ts`: the figures of the source beside the limits that `structure.test.ts` holds. With `--long` also
 * the functions over 60 lines or over four parameters, and the circles of imports.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { circlesOf } from './circles.ts'
import { type Func, functionsOf } from './functions.ts'
import { folders, isTest, root, sourcesBelow } from './sources.ts'

export const linesMax = 60
export const parametersMax = 4

export interface Figures {
  sourceLines: number
  median: number
  p90: number
  max: number
  long: Func[]
  wide: Func[]
  circles: string[][]
  scripts: number
}

export function measure(): Figures {
  const sources = folders.flatMap(sourcesBelow)
  const own = sources.filter(({ path }) => !isTest(path))
  const functions = own.flatMap(functionsOf)
  const sizes = functions.map(({ lines }) => lines).sort((a, b) => a - b)
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }
  return {
    sourceLines: own.reduce((sum, { text }) => sum + text.split('\n').length - 1, 0),
    median: sizes[Math.floor(sizes.length * 0.5)]!,
    p90: sizes[Math.floor(sizes.length * 0.9)]!,
    max: sizes.at(-1)!,
    long: functions.filter(({ lines }) => lines > linesMax),
    wide: functions.filter(({ parameters }) => parameters > parametersMax),
    circles: circlesOf(sources),
    scripts: Object.keys(scripts).length,
  }
}

function print({ sourceLines, median, p90, max, long, wide, circles, scripts }: Figures, isLong: boolean): void {
  console.log(`source lines, tests left out        ${sourceLines}`)
  console.log(`lines of a function, median p90 max ${median} ${p90} ${max}`)
  console.log(`functions over ${linesMax} lines             ${long.length}`)
  console.log(`functions over ${parametersMax} parameters         ${wide.length}`)
  console.log(`circles of imports                  ${circles.length}`)
  console.log(`npm scripts                         ${scripts}`)
  if (!isLong) return
  for (const { path, line, lines } of long.toSorted((a, b) => b.lines - a.lines)) console.log(`${path}:${line} ${lines} lines`)
  for (const { path, line, parameters } of wide) console.log(`${path}:${line} ${parameters} parameters`)
  for (const circle of circles) console.log(`circle: ${circle.join(' ')}`)
}

if (import.meta.main) print(measure(), process.argv.includes('--long'))
