/**
 * The analysis `log-templates` against lines whose templates are known: `npm run break -- log-templates [--lines 20000 --seed 1]`
 *
 * Grouping accuracy: the share of lines whose group holds exactly the lines of one true template. Beside drain3 (PyPI) with the masks
 * of its own example, in a virtual environment in `.cache`. Fails below 0.87.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { analysisOf } from '@millrace/cloud-processor/analyses'
import { readArguments } from '@millrace/platform'
import { createRandom } from '../simulation/random.ts'
import { program } from '../support/program.ts'
import { installPython } from '../support/python.ts'
import { type Line, makeLines } from './log-templates/lines.ts'

const { values } = readArguments(
  { call: 'npm run break -- log-templates' },
  { lines: { type: 'string', default: '20000' }, seed: { type: 'string', default: '1' } },
)
const accuracyMin = 0.87

interface Grouped {
  groups: (string | number)[]
  seconds: number
}

await program('log-templates', async ({ say, check }) => {
  const lines = makeLines(Number(values.lines), createRandom(Number(values.seed), 'log-templates'))
  const own = group(lines)
  const accuracy = accuracyOf(lines, own.groups)
  const shown = (name: string, { groups, seconds }: Grouped) =>
    say(
      `${name}: grouping accuracy ${accuracyOf(lines, groups).toFixed(3)}, ${new Set(groups).size} templates, ${Math.round(lines.length / seconds)} lines a second`,
    )
  say(`${lines.length} lines of ${new Set(lines.map(({ truth }) => truth)).size} templates, seed ${values.seed}`)
  shown('log-templates', own)
  const python = await installPython('log-templates', ['drain3==0.9.11']).catch((error: Error) =>
    say(`without drain3: ${error.message}`),
  )
  if (typeof python === 'string') shown('drain3       ', await drain3(python, lines))
  check(accuracy >= accuracyMin, `grouping accuracy at least ${accuracyMin}`)
})

/** A line's group is the number of its template: a template changes as lines come, its place in the memory does not. */
function group(lines: Line[]): Grouped {
  const analysis = analysisOf({ analysis: 'log-templates' })
  const memory = analysis.memory.empty({}) as { templates: { last: number }[] }
  const run = analysis.open({ similarity: 0.5, templatesMax: 500, learnMs: 0 }, [])
  const startedMs = performance.now()
  const groups = lines.map(({ text }, t) => {
    run.take!(memory, { source: 0, t, value: text }, () => {})
    return memory.templates.findIndex(({ last }) => last === t)
  })
  return { groups, seconds: (performance.now() - startedMs) / 1000 }
}

function accuracyOf(lines: Line[], groups: (string | number)[]): number {
  const sizes = new Map<number, number>()
  for (const { truth } of lines) sizes.set(truth, (sizes.get(truth) ?? 0) + 1)
  let right = 0
  for (const members of Map.groupBy(lines, (_, k) => groups[k]!).values()) {
    const { truth } = members[0]!
    if (members.length === sizes.get(truth) && members.every((one) => one.truth === truth)) right += members.length
  }
  return right / lines.length
}

async function drain3(python: string, lines: Line[]): Promise<Grouped> {
  const child = spawn(python, [join(import.meta.dirname, 'log-templates/oracle.py')], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(JSON.stringify(lines.map((line) => line.text)))
  const { clusters, seconds } = JSON.parse(await text(child.stdout)) as { clusters: number[]; seconds: number }
  return { groups: clusters, seconds }
}
