/** What the source may not become again. A limit is lowered when the figure has fallen, and never raised. */
import { expect, test } from 'vitest'
import { circlesOf } from './circles.ts'
import { linesMax, measure, parametersMax } from './figures.ts'
import { functionsOf } from './functions.ts'
import { folders, isTest, sourcesBelow } from './sources.ts'

/** The aim is none of the last three. */
const limits = { p90: 17, long: 0, wide: 2, circles: 0 }

test('functions stay readable, and imports make no new circle', () => {
  const figures = measure()
  const found = { p90: figures.p90, long: figures.long.length, wide: figures.wide.length, circles: figures.circles.length }
  for (const name of Object.keys(limits) as (keyof typeof limits)[])
    expect(
      found[name],
      `${name}: functions of at most ${linesMax} lines and ${parametersMax} parameters; \`node test/tidy/figures.ts --long\` lists them`,
    ).toBeLessThanOrEqual(limits[name])
})

test('folders are made by makeFolder alone: a recursive mkdir never returns where a file system takes none', () => {
  const own = folders.flatMap(sourcesBelow).filter(({ path }) => !isTest(path) && !path.startsWith('dashboards/'))
  const found = own.filter(({ text }) => /mkdir(?:Sync)?\([^\n]*recursive: true/.test(text))
  expect(found.map(({ path }) => path)).toEqual([])
})

test('the length, the parameters and the circles are found', () => {
  const text = 'function f(a, b, c, d, e) {\n  return () => {\n    a()\n  }\n}\n'
  const [outer, inner] = functionsOf({ path: 'x.ts', text, imports: [] })
  expect(outer).toMatchObject({ line: 1, lines: 5, parameters: 5 })
  expect(inner).toMatchObject({ line: 2, lines: 3, parameters: 0 })
  const file = (path: string, ...imports: string[]) => ({ path, text: '', imports })
  expect(circlesOf([file('a.ts', './b.ts'), file('b.ts', './c.ts'), file('c.ts', './a.ts'), file('d.ts', './a.ts')])).toEqual([
    ['a.ts', 'b.ts', 'c.ts'],
  ])
})
