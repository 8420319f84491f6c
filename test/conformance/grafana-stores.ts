/**
 * Asks every question that the dashboards put to the store of InfluxDB 2 and of QuestDB, each in its own language, panel by panel:
 * `node test/conformance/grafana-stores.ts [--only questdb]`. VictoriaMetrics is asked by grafana-queries.ts. It fails on an error,
 * on an empty answer, on a column that is not in the answer, and on a ledger that is not the store's own. QuestDB is asked over HTTP,
 * and not over PostgreSQL's wire as Grafana does.
 */
import { grafanaFiles, type StoreDialect, sourceDefaults } from '@millrace/dashboards/grafana'
import { readArguments } from '@millrace/platform'
import { isMissing, obtain } from '../engines/index.ts'
import { type AskedStore, askStore, type Rows } from '../support/grafana/ask-store.ts'
import { compareLedger } from '../support/grafana/compare-ledger.ts'
import type { Dashboard, Panel, Variable } from '../support/grafana/dashboard-files.ts'
import { lifeInStore, type StoredLife } from '../support/grafana/stored-life.ts'
import { type Choices, choose } from '../support/grafana/variables.ts'
import { CannotRun, type Program, program } from '../support/program.ts'

const { values } = readArguments(
  { call: 'node test/conformance/grafana-stores.ts' },
  { only: { type: 'string' }, seed: { type: 'string', default: '4' } },
)

/** A device of the life that has every kind of channel. */
const wanted: Record<string, string> = { device: 'bed-1' }
const store = 'millrace-store'
const missing: string[] = []
let tried = 0

await program('grafana-stores', async (context) => {
  for (const dialect of ['questdb', 'influxdb'] as const)
    if (values.only === undefined || values.only === dialect) await tryDialect(context, dialect)
  for (const reason of missing) context.say(`skipped: ${reason}`)
  if (tried === 0) throw new CannotRun(missing.join('; '))
})

async function tryDialect(context: Program, dialect: 'questdb' | 'influxdb'): Promise<void> {
  const engine = await obtain(dialect, { dir: `${context.dir}/${dialect}` }, context.say)
  if (isMissing(engine)) {
    missing.push(`${dialect}: ${engine.missing}`)
    return
  }
  tried++
  context.atEnd(() => engine.stop())
  const setup = 'setup' in engine ? (engine.setup as AskedStore['setup']) : undefined
  const life = await lifeInStore(Number(values.seed), { dialect, url: engine.address, ...setup })
  const { fromMs, toMs } = life
  const at: AskedStore = { address: engine.address, fromMs, toMs, ...(setup ? { setup } : {}) }
  for (const dashboard of dashboardsOf(dialect)) {
    const { asked, faults } = await askAll(at, dashboard)
    if (asked === 0) continue
    const why = faults.map((fault) => `\n    ${fault}`).join('')
    context.check(faults.length === 0, `${dialect}, ${dashboard.title}: ${asked} questions are answered${why}`)
  }
  await compare(context, dialect, at, life)
}

function dashboardsOf(dialect: StoreDialect): Dashboard[] {
  const files = [...grafanaFiles({ ...sourceDefaults, store: dialect })]
  return files.flatMap(([path, content]) => (path.endsWith('.json') ? [JSON.parse(content) as Dashboard] : []))
}

async function askAll(at: AskedStore, dashboard: Dashboard): Promise<{ asked: number; faults: string[] }> {
  const faults = new Set<string>()
  let asked = 0
  for (const choices of await choicesOf(at, dashboard)) {
    for (const panel of dashboard.panels) {
      if (!panel.targets?.some(({ datasource }) => datasource.uid === store)) continue
      asked++
      await askRepeated(at, panel, choices).catch((error: Error) => faults.add(`${panel.title}: ${error.message}`))
    }
  }
  return { asked, faults: [...faults] }
}

/** A repeated panel is there once for each value; some channel may have had no reading. */
async function askRepeated(at: AskedStore, panel: Panel, choices: Choices): Promise<void> {
  if (!panel.repeat) return void (await askPanel(at, panel, choices))
  const { variable, options } = choices.get(panel.repeat)!
  const each = options.map((option) =>
    askPanel(at, panel, new Map(choices).set(panel.repeat!, choose(variable, options, option))),
  )
  await Promise.any(each).catch(({ errors: [first] }: AggregateError) => {
    throw first
  })
}

async function askPanel(at: AskedStore, panel: Panel, choices: Choices): Promise<Rows[]> {
  const answers: Rows[] = []
  for (const target of panel.targets!) if (target.datasource.uid === store) answers.push(await askStore(at, target, choices))
  const columns = panel.transformations?.find(({ id }) => id === 'filterFieldsByName')?.options.include?.names ?? []
  const known = new Set(answers.flatMap((rows) => Object.keys(rows[0]!)))
  // A table of one question shows its value as `Value`.
  const unknown = columns.filter((column) => !known.has(column) && !(column === 'Value' && known.has('Value #A')))
  if (unknown.length > 0) throw new Error(`no answer has a column ${unknown.join(', ')}`)
  return answers
}

/** One for each choice that people make. */
async function choicesOf(at: AskedStore, { templating }: Dashboard): Promise<Choices[]> {
  const choices: Choices = new Map()
  for (const variable of templating.list ?? []) {
    const options = await optionsOf(at, variable, choices)
    const preferred = wanted[variable.name]
    choices.set(variable.name, choose(variable, options, preferred && options.includes(preferred) ? preferred : undefined))
  }
  const others = [...choices.values()].flatMap(({ variable, options }) =>
    variable.type === 'custom' && !variable.multi
      ? options.slice(1).map((option) => new Map(choices).set(variable.name, choose(variable, options, option)))
      : [],
  )
  return [choices, ...others]
}

async function optionsOf(at: AskedStore, variable: Variable, choices: Choices): Promise<string[]> {
  if (variable.type === 'custom') return `${variable.query}`.split(',')
  // Variables of the documents and of the processes are asked by grafana-queries.ts.
  if (variable.datasource!.uid !== store) return ['none']
  const query = typeof variable.query === 'string' ? { rawSql: variable.query } : { query: variable.query.query }
  const rows = await askStore(at, query, choices)
  return rows.map((row) => `${Object.values(row).at(-1)}`).sort()
}

/** Of the numbers that matter most, whether they are right. */
async function compare(context: Program, dialect: StoreDialect, at: AskedStore, life: StoredLife): Promise<void> {
  const dashboards = dashboardsOf(dialect)
  const pipeline = dashboards.find(({ title }) => title === 'Pipeline and ledger')!
  const [choices] = await choicesOf(at, pipeline)
  const equation = pipeline.panels.find(({ title }) => title?.startsWith('The equation'))!
  const answers = await askPanel(at, equation, choices!)
  const series = answers.map((rows, k) =>
    rows.map((row) => ({
      metric: { device: `${row.device}` },
      values: [[0, `${row[`Value #${equation.targets![k]!.refId}`]}`]] as [number, string][],
    })),
  )
  const wrong = compareLedger(life.ledger, series)
  context.check(wrong.length === 0, `${dialect}: the ledger's table shows what the store says ${wrong.join('; ')}`)
  const fleet = dashboards.find(({ title }) => title === 'Fleet')!
  const count = fleet.panels.find(({ title, type }) => title === 'Devices' && type === 'stat')!
  const [rows] = await askPanel(at, count, (await choicesOf(at, fleet))[0]!)
  const devices = Number(Object.entries(rows![0]!).find(([name]) => name.startsWith('Value'))![1])
  context.check(devices === life.devices, `${dialect}: the fleet has as many devices as the store: ${devices}, ${life.devices}`)
}
